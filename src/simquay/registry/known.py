"""Backends that exist elsewhere: what to install for a name that no installed plugin knows."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["KNOWN_BACKENDS", "KnownBackend"]


@dataclass(frozen=True, slots=True)
class KnownBackend:
    """A backend that a published plugin registers.

    Attributes:
        name: the backend's name.
        distribution: the plugin's distribution.
        device: ``cpu`` or ``gpu``.
        install: the command that installs it.
    """

    name: str
    distribution: str
    device: str
    install: str


KNOWN_BACKENDS = (
    KnownBackend("aer", "simquay-aer", "cpu", "pip install simquay-aer"),
    KnownBackend("cupy", "simquay-cupy", "gpu", "pip install 'simquay-cupy[cuda12]'"),
    KnownBackend("numba", "simquay-numba", "cpu", "pip install simquay-numba"),
)
"""One entry a plugin: the name that people ask for first. Sorted by name."""
