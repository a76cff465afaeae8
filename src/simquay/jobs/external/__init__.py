"""Foreign backends: their objects, runs of circuits on them, and the jobs that they return.

Takes a foreign backend and circuits. Gives one result or one error, and the states of the run on
the way. Read ``circuits.py`` first, then ``watch.py``.
"""
