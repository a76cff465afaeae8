"""The way of a program's state, forth and back: of a state vector, or of a density matrix where the
program has channels.

A density matrix of ``n`` qubits is a vector on ``2 * n``: qubit ``q`` of the program has a *row*
``q`` and a *column* ``n + q``. A gate is ``U`` on rows and its complex conjugate on columns. With
``rho`` at the end and an observable ``O``, both as vectors, ``E = <O|rho>``, and the derivative by
an angle of a gate is ``2 Im <O| K |rho>``, with its generator ``K`` on rows alone and with both as
they are once the later gates are undone: the formula of pure states
(:mod:`simquay.execution.adjoint.backward`). So they are a pair as well, of ``rho`` and ``O``.

``O`` is what its strings make, on rows, of the identity, which is a Bell state of all rows and
columns but for its norm. After that, all that makes ``rho`` is controlled by the pair's qubit, and
leaves ``O`` as it is.

On the way back, a channel's matrix ``C`` becomes ``C†`` where the pair's qubit is 1, and the
inverse of ``C`` where it is 0. Inverses make errors of rounding larger. Where they would by more
than :data:`_MOST`, or where a channel has no inverse, as a reset, ``rho`` is made again from the
start, up to there.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from simquay.planning.numbers.sweep import NUMBERS
from simquay.program import (
    Channel,
    Diagonal,
    Gate,
    Matrix,
    Operation,
    Parametric,
    Permutation,
    Precision,
    Prepare,
    Program,
    Relabel,
)
from simquay.program.channels import Mixture
from simquay.program.formulas import FORMULAS, ComplexArray
from simquay.program.gates import QubitOperation
from simquay.program.program import most_stored_qubits, moved_by

__all__ = ["Back", "Way", "is_noisy", "way_of"]

_MOST = {Precision.SINGLE: 2.0**4, Precision.DOUBLE: 2.0**13}
"""How much larger inverses may make errors of rounding."""

_H = np.array([[1, 1], [1, -1]], dtype=np.complex128) / np.sqrt(2)
_X = np.array([1, 0], dtype=np.intp)
_RESET = np.zeros((4, 4), dtype=np.complex128)
_RESET[0, [0, 3]] = 1


@dataclass(frozen=True, slots=True, eq=False)
class Back(QubitOperation):
    """What takes a pair back through a channel.

    Attributes:
        qubits: rows and columns, which no gate may pass, unless both are diagonal.
        gates: to apply in order.
        is_diagonal: whether they are.
    """

    qubits: tuple[int, ...]
    gates: tuple[Gate, ...]
    is_diagonal: bool = False


class Way(NamedTuple):
    """The way of a program's state.

    Attributes:
        begin: gates that make the state that the observable is applied to.
        forth: gates of the pair before the first is undone.
        back: the gates to undo, in the order of the program, and what takes back through channels.
        places: those of the program's gates in ``back``.
        pair: the qubit that tells the two vectors apart.
        stored: how many qubits each of them stores.
        negated: whether gates have twice as many angles as the program: the second half are the
            negatives of the first.
        norm: by how much values and derivatives are too small.
        is_real: whether all numbers of the gates are real, whatever the angles.
    """

    begin: Sequence[Gate]
    forth: Sequence[Gate]
    back: Sequence[Gate | Back]
    places: Mapping[int, int] | range
    pair: int
    stored: int
    negated: bool = False
    norm: float = 1.0
    is_real: bool = False


def way_of(program: Program, precision: Precision) -> Way:
    """The way of a program of gates and channels."""
    if is_noisy(program):
        return _noisy(program, precision)
    gates = _effective(program)
    stored = most_stored_qubits(program)
    is_real = all(map(_is_real, gates))
    return Way(gates, (), gates, range(len(gates)), program.num_qubits, stored, is_real=is_real)


def _is_real(gate: Any) -> bool:
    """Whether all numbers of a gate are real, whatever the angles."""
    if isinstance(gate, Parametric):
        formula = FORMULAS[gate.formula]
        some = np.random.default_rng(1).uniform(0.1, 3.0, formula.count)
        return not formula.at(some).imag.any()
    return type(gate) not in NUMBERS or not NUMBERS[type(gate)](gate).imag.any()


def is_noisy(program: Program) -> bool:
    """Whether the program has channels."""
    return any(type(one) is Channel for one in program.operations)


def _noisy(program: Program, precision: Precision) -> Way:
    count, pair = program.num_qubits, 2 * program.num_qubits
    operations, names = _named(program)
    moved = _moved(operations)
    every = (*moved, *[count + qubit for qubit in moved])
    # The pair begins where qubits have the names that they have at the end.
    last = [qubit for qubit in range(count) if names[qubit] in moved]
    begin: list[Gate] = []
    for qubit in last:
        begin += [Matrix(_H, (qubit,)), Permutation(_X, (count + qubit,), (qubit,), 1)]
    away: list[Gate] = []
    for qubit in moved:
        away += [Permutation(_X, (count + qubit,), (qubit,), 1), Matrix(_H, (qubit,))]
    forth = [_named_as_at_first(names, last, count), *[_where(gate, pair, 0) for gate in away]]
    clear = [_where(Matrix(_RESET, (qubit, count + qubit)), pair, 0) for qubit in moved]
    start = len(forth)
    back: list[Gate | Back] = []
    places = {}
    growth = 1.0
    # Inverses are applied from the last channel on, so growth is counted from there.
    again: set[int] = set()
    channels = [place for place, one in enumerate(operations) if isinstance(one, Channel)]
    for place in reversed(channels):
        growth *= _growth(operations[place].mixture)
        if growth > _MOST[precision]:
            again.add(place)
            growth = 1.0
    for place, one in enumerate(operations):
        if isinstance(one, Channel):
            wires = (*one.qubits, *[count + qubit for qubit in one.qubits])
            matrix = _superoperator(one.mixture)
            adjoint = _where(_map(matrix.T.conj(), wires, one.is_diagonal), pair, 1)
            if place in again:
                remade = (adjoint, *clear, *forth[start:])
                back.append(Back(every, remade))
            else:
                inverse = _map(np.linalg.inv(matrix), wires, one.is_diagonal)
                both = (adjoint, _where(inverse, pair, 0))
                back.append(Back(wires, both, one.is_diagonal))
            forth.append(_where(_map(matrix, wires, one.is_diagonal), pair, 0))
        else:
            column = _on_columns(one, count, program.num_angles)
            places[place] = len(back)
            back += [one, column]
            if one.qubits or one.controls:
                forth += [_where(one, pair, 0), _where(column, pair, 0)]
    norm = 2.0 ** (len(moved) / 2)
    return Way(begin, forth, back, places, pair, 2 * len(moved), True, norm)


_NOTHING = Diagonal(np.ones(1, dtype=np.complex128), ())


def _effective(program: Program) -> list[Any]:
    """The program's operations, with nothing in the place of gates that find a control |0> where
    they want it to be 1. On the way back they would store qubits: then a qubit is stored that was
    not when they stood before it."""
    found: list[Any] = []
    moved: set[int] = set()
    for one in program.operations:
        acts = not isinstance(one, QubitOperation) or all(
            control in moved or not one.control_state >> bit & 1
            for bit, control in enumerate(one.controls)
        )
        found.append(one if acts else _NOTHING)
        moved = moved_by(one, moved)
    return found


def _named(program: Program) -> tuple[list[Any], list[int]]:
    """The program's operations without its relabels, and the qubit that has the content of each of
    the program's at the end; gates that need their qubits to be |0> are matrices."""
    names = [*range(program.num_qubits)]
    found: list[Any] = []
    for one in _effective(program):
        if isinstance(one, Relabel):
            new = [names[source] for source in one.sources]
            for qubit, name in zip(one.qubits, new, strict=True):
                names[qubit] = name
            found.append(_NOTHING)
            continue
        own: Any = Matrix(_column(one.amplitudes), one.qubits) if type(one) is Prepare else one
        changes = {"qubits": tuple([names[qubit] for qubit in own.qubits])}
        if own.controls:
            changes["controls"] = tuple([names[qubit] for qubit in own.controls])
        found.append(replace(own, **changes))
    return found, names


def _moved(operations: Sequence[Operation]) -> list[int]:
    """The qubits that operations move, increasing."""
    moved: set[int] = set()
    for one in operations:
        moved = moved_by(one, moved)
    return sorted(moved)


def _named_as_at_first(names: Sequence[int], last: Sequence[int], count: int) -> Relabel:
    """The pair, with the names of qubits that operations have."""
    goes = [names[qubit] for qubit in last]
    return Relabel(
        (*goes, *[count + qubit for qubit in goes]), (*last, *[count + qubit for qubit in last])
    )


def _where(gate: Any, pair: int, value: int) -> Any:
    """A gate that acts where the pair's qubit has a value."""
    state = gate.control_state | value << len(gate.controls)
    return replace(gate, controls=(*gate.controls, pair), control_state=state)


def _map(matrix: ComplexArray, wires: tuple[int, ...], is_diagonal: bool) -> Gate:
    if is_diagonal:
        return Diagonal(matrix.diagonal().copy(), wires)
    return Matrix(np.ascontiguousarray(matrix), wires)


def _superoperator(mixture: Mixture) -> ComplexArray:
    """The matrix of a channel, shape ``(4**k, 4**k)``: rows are the lower bits of its indices."""
    total = np.zeros((4**mixture.num_qubits,) * 2, dtype=np.complex128)
    for probability, part in zip(mixture.probabilities, mixture.parts, strict=True):
        for operator in part.reshape(-1, *part.shape[-2:]):
            total += probability * np.kron(operator.conj(), operator)
    return total


def _growth(mixture: Mixture) -> float:
    """By how much the inverse of a channel makes errors larger at most."""
    least = np.linalg.svd(mixture.pauli_transfer, compute_uv=False)[-1]
    return float(1 / least) if least > 0 else np.inf


def _column(amplitudes: ComplexArray) -> ComplexArray:
    """A unitary matrix whose first column is ``amplitudes``: a reflection and a phase."""
    phase = np.exp(1j * np.angle(amplitudes[0]))
    away = -amplitudes / phase
    away[0] += 1
    norm = np.vdot(away, away).real
    matrix = np.eye(len(away), dtype=np.complex128)
    if norm:
        matrix -= 2 / norm * np.outer(away, away.conj())
    matrix *= phase
    return matrix


def _on_columns(gate: Any, count: int, angles: int) -> Any:
    """The complex conjugate of a gate, on columns."""
    changes: dict[str, Any] = {"qubits": tuple([count + qubit for qubit in gate.qubits])}
    if gate.controls:
        changes["controls"] = tuple([count + qubit for qubit in gate.controls])
    if isinstance(gate, Parametric):
        turned = _conjugate(gate.formula)
        changes["angles"] = tuple(
            [one + angles * sign for one, sign in zip(gate.angles, turned, strict=True)]
        )
    elif isinstance(gate, Matrix):
        changes["matrix"] = gate.matrix.conj()
    elif isinstance(gate, Diagonal):
        changes["diagonal"] = gate.diagonal.conj()
    return replace(gate, **changes)


@cache
def _conjugate(formula: str) -> tuple[bool, ...]:
    """Which angles to negate for the complex conjugate of what a formula gives."""
    found = FORMULAS[formula]
    some = np.random.default_rng(1).uniform(0.1, 3.0, found.count)  # any: those with no relation
    for turned in itertools.product((False, True), repeat=found.count):
        moved = np.where(turned, -some, some)
        if np.allclose(found.at(moved), found.at(some).conj(), rtol=0, atol=1e-12):
            return turned
    raise NotImplementedError(f"the complex conjugate of the formula {formula!r} is not known")
