"""The commands of ``simquay``, one module each.

Takes the parsed options. Gives an exit code. Read ``run.py`` first.

A module has ``command``, the function of the command, which its decorators declare.
"""
