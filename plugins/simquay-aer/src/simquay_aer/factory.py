"""The factory of the plugin's backends."""

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
"""Qubits of the largest state vector that is counted without looking for idle qubits."""


def make_backend(spec: BackendSpec) -> AdaptedBackend:
    """The backend ``spec.name``, which runs in worker processes."""
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
    """Bytes of the state, if its size follows from the number of qubits; 0 for other methods and
    GPUs.

    Aer does not store idle qubits. For large circuits they are not counted here either; for small
    ones looking for them does not pay.
    """
    exponent = {"statevector": 1, "density_matrix": 2}.get(str(options.get("method")), 0)
    if not exponent or str(options.get("device", "CPU")).upper() != "CPU":
        return 0
    width: int = circuit.num_qubits
    if width * exponent > _SMALL:
        width = len({bit for one in circuit.data if one.name != "barrier" for bit in one.qubits})
    amplitude = 8 if options.get("precision") == "single" else 16
    return amplitude << (exponent * width)
