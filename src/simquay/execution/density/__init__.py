"""Density matrices: a program with noise as gates on twice as many qubits, run on any engine.

Takes a program with channels and an engine. Gives a program whose amplitudes are the coefficients
of the density matrix in the basis of Pauli matrices, and an engine that reads results from them;
both are run as a program without noise is. Read ``doubling.py`` first, then ``engine.py``.
"""
