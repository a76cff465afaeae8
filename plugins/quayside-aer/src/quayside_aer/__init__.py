"""Qiskit Aer as a Quayside plugin."""
