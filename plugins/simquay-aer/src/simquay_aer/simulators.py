"""One function for each of Aer's methods, which a worker process calls to make a simulator."""

from __future__ import annotations

from qiskit_aer import AerSimulator

__all__ = ["density_matrix", "matrix_product_state", "stabilizer", "statevector"]


def statevector() -> AerSimulator:
    """The state vector."""
    return AerSimulator(method="statevector")


def density_matrix() -> AerSimulator:
    """The density matrix: noise without sampling."""
    return AerSimulator(method="density_matrix")


def stabilizer() -> AerSimulator:
    """The stabilizer tableau: Clifford circuits alone."""
    return AerSimulator(method="stabilizer")


def matrix_product_state() -> AerSimulator:
    """The matrix product state: wide circuits with little entanglement."""
    return AerSimulator(method="matrix_product_state")
