"""Worker processes: for work that can only be stopped by ending the process that does it.

Takes circuits, options and a way to make a backend. Gives a result, an error, or the end of the
process. Read ``process.py`` first (one worker, seen from outside), then ``main.py`` (inside it).
"""
