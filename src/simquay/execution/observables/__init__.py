"""Expectation values of observables.

Takes observables and an engine's state. Gives their values. Read ``values.py`` first, then
``terms.py``: which strings the engine reads for them.
"""
