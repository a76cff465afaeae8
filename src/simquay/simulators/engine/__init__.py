"""Engines as Qiskit backends.

Takes an engine. Gives a ``BackendV2`` whose ``run`` lowers circuits, makes tasks of them and
returns a job. Read ``backend.py`` first, then ``task.py``.
"""
