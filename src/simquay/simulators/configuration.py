"""``backend.configuration()``, for client libraries that still ask for it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from qiskit.circuit import Gate
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.providers import BackendV2

__all__ = ["BackendConfiguration", "configuration_of"]

_MOST_SHOTS = 2**31 - 1
"""Shots have no limit of their own; some libraries clip their shots to this number."""


class BackendConfiguration(SimpleNamespace):
    """What Qiskit's ``BackendV1`` told about itself, as attributes.

    There is no ``max_experiments``: a job takes any number of circuits, and libraries that find
    None there fail.
    """

    def to_dict(self) -> dict[str, Any]:
        """The attributes by name."""
        return dict(vars(self))


def configuration_of(backend: BackendV2) -> BackendConfiguration:
    """The configuration of a simulator, from its target."""
    target = backend.target
    names = list(target.operation_names)
    standard = get_standard_gate_name_mapping()
    coupling = target.build_coupling_map()
    return BackendConfiguration(
        backend_name=backend.name,
        backend_version=backend.backend_version,
        description=backend.description,
        n_qubits=backend.num_qubits,
        num_qubits=backend.num_qubits,
        # Those that ``transpile(..., basis_gates=...)`` takes.
        basis_gates=[name for name in names if isinstance(standard.get(name), Gate)],
        gates=[],
        supported_instructions=names,
        coupling_map=None if coupling is None else [list(edge) for edge in coupling.get_edges()],
        simulator=True,
        local=True,
        memory=True,
        conditional=True,
        open_pulse=False,
        meas_levels=[2],
        dynamic_reprate_enabled=False,
        max_shots=_MOST_SHOTS,
        dt=target.dt,
        timing_constraints={},
    )
