"""Moved errors: other numbers and a string at the end do as the errors among the gates do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from qiskit.quantum_info import random_unitary

from simquay.execution.trajectories.moving import Moved, Moving
from simquay.execution.trajectories.segments import Segment
from simquay.planning import GateSweep
from simquay.program import Channel, Diagonal, Gate, Matrix, Permutation, Relabel
from simquay.program.bits import bits_of
from tests.support.noisy_programs import damping, depolarizing
from tests.support.small_gates import cx, h, x
from tests.unit.execution.trajectories.test_rows import QUBITS, unitary

Z = np.array([1, -1], dtype=complex)
TOFFOLI = Permutation(np.array([1, 0]), (0,), (1, 2), 0b11)


def gate(kind: int, rng: np.random.Generator) -> Gate:
    one, two = rng.permutation(QUBITS)[:2].tolist()
    angles = np.exp(1j * rng.random(4))
    c, s = angles[0].real, angles[0].imag
    makers: list[Any] = [
        lambda: Matrix(random_unitary(2, seed=int(rng.integers(1000))).data, (one,)),
        lambda: Matrix(np.array([[c, -s], [s, c]], dtype=complex), (one,)),
        lambda: Matrix(np.array([[c, -1j * s], [-1j * s, c]]), (one,)),
        lambda: Diagonal(angles[:2], (one,)),
        lambda: Diagonal(angles, (one, two)),
        lambda: Matrix(random_unitary(4, seed=int(rng.integers(1000))).data, (one, two)),
        lambda: Diagonal(Z, (one,), (two,), int(rng.integers(2))),
        lambda: cx(one, two),
        lambda: h(one),
        lambda: x(one),
        lambda: Permutation(np.array([1, 2, 3, 0]), (one, two)),
        lambda: Matrix(np.diag([1, 1j]).astype(complex), (one,)),
    ]
    made: Gate = makers[kind % len(makers)]()
    return made


def segment(seed: int) -> Segment:
    rng = np.random.default_rng(seed)
    operations: list[Any] = []
    for kind in rng.permutation(24).tolist():
        operations.append(gate(kind, rng))
        width = int(rng.integers(1, 3))
        channel = Channel(depolarizing(0.1, width), tuple(rng.permutation(QUBITS)[:width].tolist()))
        operations.append(channel)
    return Segment(operations)


def gates_at(sweep: GateSweep, number: int) -> list[Any]:
    gates: list[Any] = [*sweep.gates]
    for places, numbers in sweep.changes:
        for place, own in zip(places, numbers[number], strict=True):
            name = "diagonal" if isinstance(gates[place], Diagonal) else "matrix"
            array = own.reshape(getattr(gates[place], name).shape)
            gates[place] = replace(gates[place], **{name: array})
    return gates


def with_string(gates: list[Any], moved: Moved) -> list[Any]:
    flips = [x(qubit) for qubit in bits_of(moved.x)]
    return [*gates, *[Diagonal(Z, (qubit,)) for qubit in bits_of(moved.z)], *flips]


@pytest.mark.parametrize("seed", range(8))
def test_moved_errors_do_as_errors_among_the_gates(seed: int) -> None:
    some = segment(seed)
    moving = Moving(some)
    rng = np.random.default_rng(seed)
    found, listed = [], []
    for _ in range(60):
        sites = sorted(rng.permutation(len(some.channels))[: rng.integers(1, 4)].tolist())
        parts = [len(some.channels[site].mixture.parts) for site in sites]
        errors = [(s, int(rng.integers(n))) for s, n in zip(sites, parts, strict=True)]
        moved = moving.of(errors)
        if moved is not None:
            found.append(moved)
            listed.append(errors)
    assert len(found) > 5
    sweep = moving.sweep(found, np.zeros(1, dtype=np.int64))
    for number, moved in enumerate([Moved(0, 0, 0), *found]):
        errors = listed[number - 1] if number else []
        expected = unitary(some.gates(tuple(errors)))
        overlap = np.vdot(unitary(with_string(gates_at(sweep, number), moved)), expected) / len(
            expected
        )
        assert abs(overlap) == pytest.approx(1, abs=1e-12)


def test_numbers_stay_real_or_like_those_of_rx() -> None:
    c, s = 0.6, 0.8
    real = np.array([[c, -s], [s, c]], dtype=complex)
    rx = np.array([[c, -1j * s], [-1j * s, c]])
    for matrix in (real, rx):
        channel = Channel(depolarizing(0.1), (0,))
        moving = Moving(Segment([channel, Matrix(matrix, (0,))]))
        moved = [moving.of([(0, part)]) for part in (1, 2, 3)]
        sweep = moving.sweep([one for one in moved if one], np.zeros(1, dtype=np.int64))
        assert sweep.batch == 4
        for row in sweep.changes[0].numbers[:, 0]:
            np.testing.assert_array_equal(row.real != 0, matrix.real.ravel() != 0)
            np.testing.assert_array_equal(row.imag != 0, matrix.imag.ravel() != 0)


def test_what_cannot_be_moved() -> None:
    channel = Channel(depolarizing(0.1), (1,))
    flip = Moving(Segment([channel, TOFFOLI]))
    assert flip.of([(0, 1)]) is None  # X on a control
    assert flip.of([(0, 3)]) == Moved(0, 0, 2)
    assert Moving(Segment([Channel(damping(0.1), (0,))])).of([(0, 0)]) is None
    assert Moving(Segment([channel, Relabel((1, 4), (4, 1))])).of([(0, 2)]) == Moved(0, 16, 16)
