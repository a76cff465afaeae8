"""Quantum-circuit simulators for Qiskit, selected by name, with jobs that keep one contract."""
