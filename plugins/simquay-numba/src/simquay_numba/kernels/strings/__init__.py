"""Means of Pauli strings, and their sums.

Takes a state's memory and the strings' masks. Gives their means, or the state after their sum. Read
``means.py`` first, then ``sums.py``.
"""
