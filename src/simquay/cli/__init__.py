"""The command ``simquay``: one file a command, and what they share.

Nothing heavy is imported before a command needs it, so ``simquay --help`` answers at once.
"""
