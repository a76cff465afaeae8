"""Jobs: the contract that every job keeps, and the jobs of Simquay's own engines."""
