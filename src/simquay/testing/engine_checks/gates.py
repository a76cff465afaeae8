"""Random gates of every kind, the states that engines make of them, and the comparison of these
with the reference engine's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from simquay.control import Control
from simquay.engines.base import Engine
from simquay.engines.reference import ReferenceEngine
from simquay.errors import ProgramError
from simquay.planning import make_plan
from simquay.program import (
    Diagonal,
    GateOperation,
    Matrix,
    Permutation,
    Precision,
    Prepare,
    Relabel,
)
from simquay.testing.harness.assertions import raises, require, require_equal

__all__ = [
    "NOT",
    "REFERENCE",
    "TOLERANCE",
    "Amplitudes",
    "apply_gates",
    "evolve",
    "near",
    "other_numbers",
    "random_gates",
    "random_unitary",
    "refused",
    "vectors_of",
]

Amplitudes: TypeAlias = NDArray[np.complexfloating[Any]]

TOLERANCE = {Precision.DOUBLE: 1e-11, Precision.SINGLE: 5e-5}
"""The most by which an amplitude, a probability or an expectation value may differ."""

REFERENCE = ReferenceEngine()
"""Runs in double precision."""

NOT = np.array([1, 0])


def random_unitary(size: int, rng: np.random.Generator) -> NDArray[np.complex128]:
    """A random unitary matrix of shape ``(size, size)``: QR of a Gaussian one."""
    gaussian = rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size))
    unitary: NDArray[np.complex128] = np.linalg.qr(gaussian)[0]
    return unitary


def random_gates(
    num_qubits: int,
    count: int,
    rng: np.random.Generator | int,
    *,
    widest: int = 3,
    prepare: bool = True,
) -> list[GateOperation]:
    """Up to ``count`` gates of all kinds on a state that begins as |0...0>, many with controls.

    Args:
        num_qubits: qubits of the state, at least 1.
        count: how many gates.
        rng: decides everything: a generator, or a seed.
        widest: the most qubits of a gate, controls aside.
        prepare: whether a :class:`~simquay.program.Prepare` may be among them; the gates may follow
            others only without.
    """
    rng = np.random.default_rng(rng)
    gates: list[GateOperation] = []
    fresh = set(range(num_qubits))
    for _ in range(count):
        kind = rng.choice(["matrix", "u", "diagonal", "permutation", "cx", "relabel", "prepare"])
        width = int(rng.integers(1, min(widest, num_qubits) + 1))
        if kind in ("u", "cx"):
            width = 1
        order = [int(q) for q in rng.permutation(num_qubits)]
        qubits, rest = tuple(order[:width]), order[width:]
        number = min(int(rng.choice([0, 0, 0, 1, 1, 2, 3])), len(rest))
        if kind == "cx":
            number = min(1, len(rest))
        controls = tuple(rest[:number])
        state = int(rng.integers(0, 1 << number))
        size = 1 << width
        if kind in ("matrix", "u"):
            matrix = random_unitary(size, rng)
            gates.append(Matrix(matrix, qubits, controls, state))
        elif kind == "diagonal":
            if rng.random() < 0.1:
                qubits, controls, state, size = (), (), 0, 1
            gates.append(Diagonal(np.exp(2j * rng.random(size)), qubits, controls, state))
        elif kind in ("permutation", "cx"):
            table = rng.permutation(size) if kind == "permutation" else NOT
            gates.append(Permutation(table.astype(np.intp), qubits, controls, state))
        elif kind == "relabel":
            sources = tuple(int(q) for q in rng.permutation(qubits))
            gates.append(Relabel(qubits, sources))
            # What was fresh in a source is fresh in the qubit that it goes to.
            moved = dict(zip(sources, qubits, strict=True))
            fresh = {moved.get(q, q) for q in fresh}
            continue
        elif prepare and fresh:
            chosen = tuple(int(q) for q in rng.permutation(sorted(fresh))[:width])
            gates.append(Prepare(random_unitary(1 << len(chosen), rng)[:, 0], chosen))
        fresh -= set(getattr(gates[-1], "qubits", ())) if gates else set()
    return gates


def other_numbers(gates: Sequence[GateOperation], rng: np.random.Generator) -> list[GateOperation]:
    """Gates of the same structure with other numbers."""
    changed: list[GateOperation] = []
    for gate in gates:
        if isinstance(gate, Matrix):
            changed.append(replace(gate, matrix=random_unitary(len(gate.matrix), rng)))
        elif isinstance(gate, Diagonal):
            changed.append(replace(gate, diagonal=np.exp(2j * rng.random(len(gate.diagonal)))))
        elif isinstance(gate, Prepare):
            changed.append(Prepare(random_unitary(len(gate.amplitudes), rng)[:, 0], gate.qubits))
        else:
            changed.append(gate)
    return changed


def apply_gates(
    engine: Engine, state: Any, gates: Sequence[GateOperation], capacity: int | None = None
) -> None:
    """Plan ``gates`` for ``engine`` and apply them to ``state``, which was allocated for
    ``capacity`` stored qubits (by default, all of its qubits)."""
    profile = engine.profile(state.precision, state.num_qubits if capacity is None else capacity)
    engine.apply(state, make_plan(gates, state.layout, profile), Control())


def evolve(
    engine: Engine,
    gates: Sequence[GateOperation],
    num_qubits: int,
    precision: Precision = Precision.DOUBLE,
    *,
    batch: int = 1,
) -> Any:
    """The state of ``engine`` that ``gates`` make of |0...0>."""
    state = engine.allocate(num_qubits, precision, capacity=num_qubits, batch=batch)
    apply_gates(engine, state, gates)
    return state


def near(found: Any, expected: Any, precision: Precision, what: str) -> None:
    """Fail unless arrays agree to within the tolerance.

    Raises:
        CheckFailed: with ``what`` in its text.
    """
    found, expected = np.asarray(found), np.asarray(expected)
    require_equal(found.shape, expected.shape, f"{what}: the shape")
    difference = float(np.abs(found - expected).max(initial=0))
    require(
        difference <= TOLERANCE[precision],
        f"{what}, in {precision.value} precision: differs by {difference:.2g}; expected at most "
        f"{TOLERANCE[precision]:g}",
    )


def vectors_of(gates: Sequence[GateOperation], num_qubits: int, batch: int = 1) -> Amplitudes:
    """The amplitudes that the reference engine gives."""
    return REFERENCE.amplitudes(evolve(REFERENCE, gates, num_qubits, batch=batch))


def refused(what: str, call: Callable[..., object], *arguments: object) -> None:
    """Fail unless ``call(*arguments)`` raises :class:`~simquay.errors.ProgramError`."""
    raises(partial(call, *arguments), ProgramError, what=what)
