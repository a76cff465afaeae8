"""Small circuits: the way forth and the way back as two lists of gates, each in one call.

On a state of few amplitudes, calls and plans take longer than the gates. The gates are undone one
by one here, without cuts (:meth:`~simquay.engines.base.BaseEngine.gate_list`). A gate's strings are
read when it is undone, or just before where it commutes with them. Only numbers differ from point
to point.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simquay.engines.base import Engine
from simquay.execution.adjoint.cuts import INVERSES, Reading, is_rotation, letters_of
from simquay.execution.adjoint.ways import Way
from simquay.program import Parametric, Relabel
from simquay.program.formulas import FORMULAS
from simquay.program.gates import standard_gates

__all__ = ["Lists", "lists_of"]

_MOST_GATES = 5000
"""Lists of more gates are not kept."""

Numbers = Callable[[NDArray[np.float64]], NDArray[np.complex128]]


class Lists(NamedTuple):
    """The way forth and the way back.

    Attributes:
        order: the qubits that the state stores from the start on.
        forth, back: what the engine made of the gates.
        forth_numbers, back_numbers: give the numbers that change from the angles of one point.
        numbers: of the strings of gates, by their places; string 0 is that of the value where the
            two vectors are a pair.
    """

    order: tuple[int, ...]
    forth: Any
    back: Any
    forth_numbers: Numbers
    back_numbers: Numbers
    numbers: Mapping[int, Sequence[int]]


def lists_of(
    engine: Engine, way: Way, wanted: Mapping[int, Sequence[int]], pair: int | None
) -> Lists | None:
    """The lists of a way, or None where it has no such lists.

    Args:
        engine: whose lists they are.
        way: of a state vector.
        wanted, pair: as for :func:`~simquay.execution.adjoint.cuts.find_cuts`.
    """
    gates: Any = way.back
    touched = {qubit for gate in gates for qubit in (*gate.qubits, *gate.controls)}
    size = way.stored + (pair is not None)
    if way.negated or not 0 < size <= engine.list_qubits or len(gates) > _MOST_GATES:
        return None
    if len(touched) > way.stored or any(isinstance(gate, Relabel) for gate in gates):
        return None
    order = tuple(sorted(touched))
    undone: list[Any] = []
    places: list[int] = []
    strings = [] if pair is None else [[(pair, 2)]]  # of X
    places += [0] * len(strings)
    numbers: dict[int, list[int]] = {}
    for place in reversed(range(len(gates))):
        inverse = INVERSES[type(gates[place])](gates[place])
        if place in wanted:
            numbers[place] = []
            read_at = len(undone) + (0 if is_rotation(gates[place]) else len(inverse))
            for pauli in wanted[place]:
                letters = letters_of(gates[place], pauli, pair)
                numbers[place].append(len(strings) if letters else -1)
                if letters:
                    strings.append(letters)
                    places.append(read_at)
        undone += inverse
    undone = undone[: max(places, default=0)]
    read, _ = Reading.of(strings).strings(order if pair is None else (*order, pair))
    none, _ = Reading.of([]).strings(order)
    forth, forth_numbers = _listed(gates)
    back, back_numbers = _listed(undone)
    whole = order if pair is None else (*order, pair)
    return Lists(
        order,
        engine.gate_list(forth[0], order, *forth[1:], none, []),
        engine.gate_list(back[0], whole, *back[1:], read, places),
        forth_numbers,
        back_numbers,
        numbers,
    )


def _listed(gates: Sequence[Any]) -> tuple[tuple[Any, dict[int, int], int], Numbers]:
    """Standard gates, where the numbers begin of those that were parametric, and how many these
    are; and what gives them."""
    alike: defaultdict[tuple[str, bool], list[int]] = defaultdict(list)
    standard: list[Any] = []
    for gate in gates:
        if isinstance(gate, Parametric):
            alike[gate.formula, gate.adjoint].append(len(standard))
            standard.append(gate)
        else:
            standard += standard_gates([gate])
    starts: dict[int, int] = {}
    count = 0
    groups = []
    for (name, adjoint), places in alike.items():
        formula = FORMULAS[name]
        columns = np.array([standard[place].angles for place in places], dtype=np.intp)
        groups.append((formula, columns, adjoint))
        for place in places:
            starts[place] = count
            count += int(np.prod(formula.shape))
            standard[place] = standard[place].holding(np.zeros(formula.shape, dtype=np.complex128))

    def numbers(angles: NDArray[np.float64]) -> NDArray[np.complex128]:
        found = [formula.at(angles[own], adjoint).ravel() for formula, own, adjoint in groups]
        return np.concatenate([np.zeros(0, dtype=np.complex128), *found])

    return (standard, starts, count), numbers
