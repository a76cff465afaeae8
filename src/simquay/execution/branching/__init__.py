"""Circuits that measure, reset or branch in the middle.

Takes a program and an engine. Gives the outcome of all shots, which share a state until their
measurements differ, or means over all that may happen. Read ``dynamic.py`` first, then ``steps.py``
and ``schedule.py``; ``exact.py`` is for runs without samples.
"""
