"""What checks stand on: a backend under test, its circuits, child processes, measurements.

Takes a backend and declared limits. Gives running jobs, and clears up after them. Read ``bench.py``
first.
"""
