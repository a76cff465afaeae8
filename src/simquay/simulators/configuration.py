"""``backend.configuration()``, for client libraries that still ask for it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from qiskit.circuit import Gate
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
    operations = {name: target.operation_from_name(name) for name in target.operation_names}
    coupling = target.build_coupling_map()
    return BackendConfiguration(
        backend_name=backend.name,
        backend_version=backend.backend_version,
        description=backend.description,
        n_qubits=backend.num_qubits,
        num_qubits=backend.num_qubits,
        basis_gates=[
            name
            for name, operation in operations.items()
            if issubclass(operation if isinstance(operation, type) else type(operation), Gate)
        ],
        gates=[],
        supported_instructions=list(operations),
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
