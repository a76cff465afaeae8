"""Engines apply plans to arrays of amplitudes; they know no Qiskit."""
