"""Qiskit circuits in: files to circuits, and circuits to programs."""
