"""Qiskit Aer as a Simquay plugin."""
