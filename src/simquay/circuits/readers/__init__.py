"""Readers of the formats of circuits, for content that may be damaged or hostile.

Takes a file's content. Gives circuits, or one ``CircuitFileError``: the work that a file asks for
is bounded before it is done. Read ``openqasm2.py`` first; ``limited.py`` is for work that cannot be
bounded in advance, ``mistakes.py`` makes the errors.
"""
