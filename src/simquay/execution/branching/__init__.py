"""Circuits that measure, reset or branch in the middle.

Takes a program and an engine. Gives the samples of all shots, which share a state until outcomes
split them. Read ``dynamic.py`` first, then ``steps.py`` and ``schedule.py``.
"""
