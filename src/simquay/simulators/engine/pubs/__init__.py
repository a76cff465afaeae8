"""The results of primitives on engines.

Takes the outcomes of the points of pubs. Gives Qiskit's ``PrimitiveResult``, by plain data that
says how, so that a kept job can be finished without its circuits. Read ``jobs.py`` first, then
``shown.py``.
"""
