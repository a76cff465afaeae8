"""Small noise models whose results are known."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from simquay.noise.model import Errors, NoiseModel
from simquay.program.channels import Mixture

__all__ = ["Flips", "certain", "flips", "often"]


def flips(probability: float) -> Mixture:
    """A qubit is flipped with this probability."""
    parts = [(1 - probability, np.eye(2, dtype=complex)), (probability, np.eye(2)[::-1] + 0j)]
    parts = sorted([one for one in parts if one[0]], key=lambda one: -one[0])
    return Mixture(np.array([one for one, _ in parts]), tuple([part for _, part in parts]))


class Flips(NoiseModel):
    """Flips the first qubit behind gates, and bits that are measured.

    Args:
        gates: by their names, how likely.
        misread: how likely a bit is recorded as the other value.
    """

    def __init__(self, gates: Mapping[str, float], misread: float = 0.0) -> None:
        super().__init__([*gates, *(["measure"] if misread else [])])
        self._gates = {name: Errors(after=((flips(one), (0,)),)) for name, one in gates.items()}
        self._misread = Errors(misread=np.array([[1 - misread, misread], [misread, 1 - misread]]))

    def find(self, name: str, label: str | None, qubits: tuple[int, ...]) -> Errors | None:
        if name == "measure" and "measure" in self.names:
            return self._misread
        return self._gates.get(name)


def certain() -> Flips:
    """Flips the first qubit behind each ``x`` and ``h``."""
    return Flips({"x": 1.0, "h": 1.0})


def often() -> Flips:
    """Flips the first qubit behind each second ``cx``."""
    return Flips({"cx": 0.5})
