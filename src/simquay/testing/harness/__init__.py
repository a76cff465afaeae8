"""What checks use: circuits of a given duration, jobs, child processes, measurements.

Takes the backend under test. Gives a :class:`~simquay.testing.harness.context.CheckContext`, which
starts jobs on it, waits for them and cancels them in the end. Read ``context.py`` first.
"""
