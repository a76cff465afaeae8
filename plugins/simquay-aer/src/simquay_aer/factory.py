"""The factory of all of this plugin's backends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qiskit import QuantumCircuit

from simquay.plugin import BackendSpec
from simquay.simulators import adapt
from simquay.simulators.adapted.backend import AdaptedBackend
from simquay_aer import simulators
from simquay_aer.plugin import METHODS

__all__ = ["make_backend", "memory_needed"]

_SMALL = 20
"""Qubits of a state vector that takes too little to be counted."""


def make_backend(spec: BackendSpec) -> AdaptedBackend:
    """The backend of this name, which runs in worker processes."""
    method = METHODS[spec.name][0]
    return adapt(
        getattr(simulators, method)(),
        name=spec.name,
        description=spec.description,
        device=spec.device,
        factory=f"simquay_aer.simulators:{method}",
        memory=memory_needed,
    )


def memory_needed(circuit: QuantumCircuit, options: Mapping[str, Any]) -> int:
    """Bytes of the state where its size follows from the number of qubits, and 0 elsewhere.

    Aer leaves out qubits that nothing happens to; so may this, but for small circuits, which are
    not worth the look.
    """
    exponent = {"statevector": 1, "density_matrix": 2}.get(str(options.get("method")), 0)
    if not exponent or str(options.get("device", "CPU")).upper() != "CPU":
        return 0
    width: int = circuit.num_qubits
    if width * exponent > _SMALL:
        width = len({bit for one in circuit.data if one.name != "barrier" for bit in one.qubits})
    amplitude = 8 if options.get("precision") == "single" else 16
    return amplitude << (exponent * width)
