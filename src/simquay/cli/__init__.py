"""The command ``simquay``: its commands, and the options and the output that they share.

Takes a command line. Gives an exit code, text or one JSON document on stdout, and errors of one
line on stderr. Read ``main.py`` first, then ``commands/run.py``.

Modules import heavy packages inside functions, so that ``simquay --help`` answers at once.
"""
