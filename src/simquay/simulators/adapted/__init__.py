"""Third-party backends with Simquay's jobs.

Takes any Qiskit ``BackendV2``. Gives a ``BackendV2`` whose jobs keep the contract. Read
``backend.py`` first, then ``tasks.py``.
"""
