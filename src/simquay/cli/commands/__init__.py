"""The commands of ``simquay``, one file a command.

Each takes the parsed options, and gives an exit code. Read ``run.py`` first.
"""
