"""Jobs: the contract that every job keeps, and the jobs that keep it.

Takes work (circuits on an engine, on a foreign backend, or a callable). Gives a Qiskit ``JobV1``.
Read ``base.py`` first (the contract), then ``job.py``. ``dispatch`` gives work its threads and
memory, ``external`` runs foreign backends, ``workers`` are processes that can be killed.
"""
