"""Jobs: the contract that every job keeps, and the jobs of Quayside's own engines."""
