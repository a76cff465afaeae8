"""The commands of ``simquay``, one module each.

Takes the parsed options, in ``execute``. Gives an exit code. Read ``run.py`` first.

A module has ``add_parser``, which declares the command, and ``execute``.
"""
