"""Scripts that measure Simquay. README.md says which question each of them answers."""
