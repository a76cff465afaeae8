"""Qiskit circuits made into programs.

Takes a ``QuantumCircuit``. Gives a :class:`~simquay.program.Program`, plain NumPy data. Read
``circuit.py`` first, then ``context.py``; ``gates.py`` is the table of the standard gates.
"""
