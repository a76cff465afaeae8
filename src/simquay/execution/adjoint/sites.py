"""The gates of a program whose derivatives are wanted, by their generators."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simquay.execution.adjoint.generators import generators_of, slopes_of
from simquay.program import Parametric, Program

__all__ = ["Site", "parametric_sites"]

Floats = NDArray[np.float64]


class Site(NamedTuple):
    """Gates whose generators are made of the same Pauli matrices.

    Attributes:
        paulis: the matrices; see :class:`~simquay.execution.adjoint.generators.Generators`.
        places: of the gates in the program.
        columns: by which angles their derivatives are wanted, shape ``(gates, angles of each)``.
        coefficients: those of the matrices, shape ``(points or 1, gates or 1, angles of each,
            paulis)``; or what gives them from the angles of the points.
    """

    paulis: Sequence[int]
    places: Sequence[int]
    columns: NDArray[np.intp]
    coefficients: Callable[[Floats], Floats] | Floats


def parametric_sites(program: Program) -> list[Site]:
    """The parametric gates of a program."""
    alike: defaultdict[tuple[str, bool], list[int]] = defaultdict(list)
    operations: Any = program.operations
    for place, gate in enumerate(operations):
        if isinstance(gate, Parametric):
            alike[gate.formula, gate.adjoint].append(place)
    sites = []
    for (formula, adjoint), places in alike.items():
        columns = np.array([operations[place].angles for place in places], dtype=np.intp)
        paulis = generators_of(formula, adjoint).paulis
        sites.append(
            Site(paulis, places, columns, partial(_coefficients, formula, adjoint, columns))
        )
    return sites


def _coefficients(formula: str, adjoint: bool, columns: NDArray[np.intp], angles: Floats) -> Floats:
    generators = generators_of(formula, adjoint)
    if generators.constant is not None:
        return generators.constant[None, None]
    every = slopes_of(formula, adjoint, angles[:, columns])
    return every[..., list(generators.paulis)]
