"""The factory of all of this plugin's backends."""

from __future__ import annotations

from quayside.backends import adapt
from quayside.backends.adapted import AdaptedBackend
from quayside.plugin import BackendSpec
from quayside_aer import simulators
from quayside_aer.plugin import METHODS

__all__ = ["make_backend"]


def make_backend(spec: BackendSpec) -> AdaptedBackend:
    """The backend of this name, which runs in worker processes."""
    method = METHODS[spec.name][0]
    return adapt(
        getattr(simulators, method)(),
        name=spec.name,
        description=spec.description,
        device=spec.device,
        factory=f"quayside_aer.simulators:{method}",
    )
