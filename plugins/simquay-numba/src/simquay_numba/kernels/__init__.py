"""The compiled half: what runs without the interpreter's lock.

Takes instruction words and the state's memory. Gives the changed state. Read ``run.py`` first, then
``vectors.py``.
"""
