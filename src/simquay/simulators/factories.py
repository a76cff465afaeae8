"""The factories of the built-in backends: a new backend for each call, one engine a process."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from qiskit import QuantumCircuit
from qiskit.providers.basic_provider import BasicSimulator

from simquay.engines.numpy.engine import DenseEngine
from simquay.engines.reference import ReferenceEngine
from simquay.plugin import BackendSpec
from simquay.simulators.adapted.backend import AdaptedBackend, adapt
from simquay.simulators.engine.backend import EngineBackend

__all__ = ["basic_bytes", "make_basic", "make_numpy", "make_reference"]

_BASIC_QUBITS = max(
    most
    for name in ("MAX_QUBITS_MEMORY", "MAX_QUBITS_STATEVECTOR", "MAX_QUBITS_CLIFFORD")
    if (most := getattr(BasicSimulator, name, 0))
)
"""The most qubits of a circuit that BasicSimulator runs: as its release calls it, and of Clifford
circuits in later ones."""

_numpy_engine = functools.cache(DenseEngine)
_reference_engine = functools.cache(ReferenceEngine)


def make_numpy(spec: BackendSpec) -> EngineBackend:
    """The backend ``numpy``."""
    return EngineBackend(_numpy_engine(), name=spec.name, spec=spec)


def make_reference(spec: BackendSpec) -> EngineBackend:
    """The backend ``reference``."""
    return EngineBackend(_reference_engine(), name=spec.name, spec=spec)


def make_basic(spec: BackendSpec) -> AdaptedBackend:
    """The backend ``basic``."""
    backend = adapt(
        BasicSimulator(),
        name=spec.name,
        description=spec.description,
        device=spec.device,
        precision="double",
        factory="qiskit.providers.basic_provider:BasicSimulator",
        memory=basic_bytes,
        num_qubits=_BASIC_QUBITS,
    )
    backend.set_options(memory=False)  # Simquay's default; Qiskit's is True
    return backend


def basic_bytes(circuit: QuantumCircuit, options: Mapping[str, Any]) -> int:
    """Bytes of a run on ``basic``: the state, and two more of its size while a gate is applied."""
    width: int = circuit.num_qubits
    return 3 * 16 << width
