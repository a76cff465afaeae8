"""Noise in circuits: a noise model's errors, and channels that are instructions.

Takes a circuit's instructions, and the errors that a noise model has for them. Gives channels and
misread bits among a program's operations. Read ``placement.py`` first.
"""
