"""The command ``quayside``: one file a command, and what they share.

Nothing heavy is imported before a command needs it, so ``quayside --help`` answers at once.
"""
