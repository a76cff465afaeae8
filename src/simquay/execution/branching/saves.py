"""The data of ``Save`` operations: read from a state, gathered over shots, joined.

What a run gives for each key is plain data: ``(kind, form, groups)``, the first two as in
:class:`~simquay.program.Save`. ``groups`` has, by the value of the classical bits, or by None where
the save is not conditional, a number and a value:

- ``single``: the data of one state, and its rank: a later state of this rank or a higher one takes
  its place. The rank is the number of its shots or, where the save is conditional, its last shot;
- ``average`` and ``accum``: how many came, and the sum of their data;
- ``list``: how many came, and the list of their data, in the order of shots. Shots of one state
  share one array.

Data are arrays: of a state vector the amplitudes in qubit order, of an expectation value a number,
of its variance both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from simquay.control import Control
from simquay.engines.base import Engine, State
from simquay.execution.branching.deferral import defer
from simquay.execution.observables.values import expectation_values
from simquay.program import (
    Channel,
    Measure,
    Misread,
    Precision,
    Program,
    Reset,
    Save,
    WhileLoop,
)
from simquay.program.program import PARENTS, bodies_of, walk

__all__ = [
    "Gathered",
    "Saved",
    "datum_bytes",
    "join_saved",
    "read_save",
    "save_once",
    "saved_bytes",
    "saves_of",
]

Saved: TypeAlias = "tuple[str, str, Mapping[int | None, tuple[int, Any]]]"
Values: TypeAlias = NDArray[Any]

_ENTRY_BYTES = 200
"""Bytes of an entry of a dictionary, with its key and a complex number."""

_DATUM_BYTES = 200
"""Bytes of what is kept of each state beside the numbers."""

_MAY_SAVE = PARENTS | {Save}


def saves_of(program: Program) -> list[Save]:
    """The saves of ``program``, those in bodies included, one for each key."""
    if _MAY_SAVE.isdisjoint(map(type, program.operations)):
        return []  # most programs, in a tenth of the time
    return list({one.key: one for one in walk(program.operations) if type(one) is Save}.values())


def read_save(save: Save, engine: Engine, state: State, control: Control) -> Values:
    """The data that ``save`` keeps of each vector of ``state``: an array with a row for each."""
    match save.kind:
        case "statevector" | "statevector_dict":
            return engine.amplitudes(state)
        case "amplitudes":
            assert save.indices is not None
            return engine.gather(state, save.indices).astype(np.complex128, copy=False)
        case "amplitudes_squared":
            assert save.indices is not None
            return engine.probabilities_at(state, save.indices)
        case "probabilities" | "probabilities_dict":
            return engine.probabilities(state, save.qubits, {})
        case "density_matrix":
            return engine.density_matrices(state, save.qubits, control)
    values = expectation_values(engine, state, save.observables, control)
    if save.kind == "expectation_value_variance":
        values[:, 1] -= values[:, 0] ** 2
        return values
    return values[:, 0]


def save_once(save: Save, engine: Engine, state: State, control: Control) -> list[Saved]:
    """The data of ``save`` for each vector of ``state``, of one shot whose classical bits are 0."""
    values = read_save(save, engine, state, control)
    bits = 0 if save.conditional else None
    # One vector that is kept must not keep the others.
    rows = [value.copy() for value in values] if len(values) > 1 else [values[0]]
    return [
        (save.kind, save.form, {bits: (1, [row] if save.form == "list" else row)}) for row in rows
    ]


class Gathered:
    """What the saves of one run have kept so far."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[Save, dict[int | None, tuple[int, Any]]]] = {}

    def add(
        self, save: Save, values: Values, shots: Sequence[NDArray[np.int64]], memory: Sequence[int]
    ) -> None:
        """Add ``values[i]``, the data of the shots ``shots[i]`` (increasing), which have the
        classical bits ``memory[i]``."""
        rows: dict[int | None, list[int]] = {}
        for row, bits in enumerate(memory):
            rows.setdefault(bits if save.conditional else None, []).append(row)
        _, groups = self._kept.setdefault(save.key, (save, {}))
        for key, some in rows.items():
            number, value = groups.get(key, (0, None))
            match save.form:
                case "single":
                    row = max(some, key=lambda row: int(shots[row][-1]))
                    rank = len(shots[row]) if key is None else int(shots[row][-1])
                    if rank >= number:
                        # One vector that is kept must not keep the others.
                        groups[key] = rank, values[row].copy() if len(values) > 1 else values[0]
                case "list":
                    entries = [] if value is None else value
                    entries += [(shots[row], values[row]) for row in some]
                    groups[key] = number + sum(len(shots[row]) for row in some), entries
                case _:
                    weights = np.array([len(shots[row]) for row in some])
                    if len(values) == 1:  # it may be large
                        total = values[0]
                        total *= weights[0]
                    else:
                        total = np.tensordot(weights, values[some], 1)
                    if value is not None:
                        total += value
                    groups[key] = number + int(weights.sum()), total

    def results(self) -> dict[str, Saved]:
        """By key; see the module."""
        return {
            key: (
                save.kind,
                save.form,
                {
                    bits: (number, _in_order(value) if save.form == "list" else value)
                    for bits, (number, value) in groups.items()
                },
            )
            for key, (save, groups) in self._kept.items()
        }


def _in_order(entries: Sequence[tuple[NDArray[np.int64], Any]]) -> list[Any]:
    """The data of each shot, from those of shots in common."""
    sizes = [len(shots) for shots, _ in entries]
    owners = np.repeat(np.arange(len(entries)), sizes)
    # Stable: a shot that came several times keeps the order in which it did.
    order = np.argsort(np.concatenate([shots for shots, _ in entries]), kind="stable")
    return [entries[owner][1] for owner in owners[order].tolist()]


def join_saved(parts: Sequence[Mapping[str, Saved]]) -> dict[str, Saved]:
    """The saved data of all shots, from those of its parts in the order of shots."""
    joined: dict[str, tuple[str, str, dict[int | None, tuple[int, Any]]]] = {}
    for part in parts:
        for key, (kind, form, groups) in part.items():
            _, _, whole = joined.setdefault(key, (kind, form, {}))
            for bits, (number, value) in groups.items():
                if form == "single" or bits not in whole:
                    whole[bits] = number, value
                else:
                    before, some = whole[bits]
                    whole[bits] = before + number, some + value
    return dict(joined)


def saved_bytes(program: Program, precision: Precision, shots: int) -> int:
    """Bytes of host memory that the saved data of ``program`` take at most, as they are shown to
    the user as well, where each while loop runs once."""
    saves = saves_of(program)
    if not saves or not shots:
        return 0
    once = defer(program).gates is not None
    if once:
        shots = 1  # all count as one
    visits, events = _visits(program)
    states = min(shots, 1 << min(events, 62))  # at one place; shots of one state share its data
    need = reading = 0
    for save in saves:
        one = datum_bytes(save, program, precision)
        # Data that are added to a sum, and a part that is added to a density matrix.
        added = save.form in ("average", "accum") and not once
        reading = max(reading, one * (added + (save.kind == "density_matrix")))
        if save.form == "list":
            one = visits[save.key] * (states * (one + _DATUM_BYTES) + 16 * shots)  # in two lists
        elif save.conditional:
            one *= min(states, 1 << min(program.num_clbits, 62))
        need += one
    return need + reading


def _visits(program: Program) -> tuple[Counter[str], int]:
    """How often a shot comes to each save, by key, and to measurements and resets, at most, where
    each while loop is run once and makes any number of states."""
    visits: Counter[str] = Counter()
    events = 0
    stack = [(program.operations, 1)]
    while stack:
        body, times = stack.pop()
        for operation in body:
            if isinstance(operation, Save):
                visits[operation.key] += times
            elif isinstance(operation, (Measure, Misread, Reset)):
                events += times
            elif isinstance(operation, (Channel, WhileLoop)):
                events += 62
            inner = bodies_of(operation)
            several = Counter(map(id, inner))  # the iterations of a loop may share one body
            different = {id(one): one for one in inner}.values()
            stack += [(child, times * several[id(child)]) for child in different]
    return visits, events


def datum_bytes(save: Save, program: Program, precision: Precision) -> int:
    """Bytes of the data of one state, as they are shown to the user as well."""
    match save.kind:
        case "statevector" | "statevector_dict":
            need = precision.amplitude_bytes
            if save.kind == "statevector_dict":
                need += _ENTRY_BYTES
            elif precision is not Precision.DOUBLE:  # Qiskit's Statevector is of double precision
                need += Precision.DOUBLE.amplitude_bytes
            return need << program.num_qubits
        case "probabilities":
            return 8 << len(save.qubits)
        case "probabilities_dict":
            return 8 + _ENTRY_BYTES << len(save.qubits)
        case "density_matrix":
            return 16 << 2 * len(save.qubits)
        case _:
            return 16 * (1 if save.indices is None else len(save.indices))
