"""Execution: plans run on an engine. Branching, sampling and memory are done once for all engines.

Takes programs (:mod:`simquay.program`), an engine and a ``RunContext``. Gives an ``Outcome`` for
each program: the classical bits of all shots, and the state vectors that were asked for. Read
``run.py`` first, then ``sampling``; ``branching`` is for circuits that measure in the middle.
"""
