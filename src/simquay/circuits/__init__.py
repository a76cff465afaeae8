"""Qiskit circuits as input.

Takes a file or a ``QuantumCircuit``. Gives circuits, and of each circuit a program (``lowering``)
and the names and sizes that its result needs. Read ``info.py`` first, then ``lowering/circuit.py``.
"""
