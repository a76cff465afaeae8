"""Sweeps of a segment: each row has the gates of its errors, up to a phase."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from simquay.execution.trajectories.rows import gates_at, sweep_of
from simquay.execution.trajectories.segments import Segment
from simquay.program import Gate, Matrix
from simquay.program.gates import standard_gates
from tests.support.noisy_programs import random_noisy
from tests.support.small_gates import h, x

QUBITS = 3


def unitary(gates: list[Gate]) -> NDArray[np.complex128]:
    """The matrix of gates on three qubits, by the reference engine's rule for bits."""
    total = np.eye(1 << QUBITS, dtype=complex)
    for gate in standard_gates(gates):
        whole = np.zeros_like(total)
        for column in range(1 << QUBITS):
            for row, amplitude in _column(gate, column):
                whole[row, column] += amplitude
        total = whole @ total
    return total


def _column(gate: Any, column: int) -> list[tuple[int, complex]]:
    bits = [column >> qubit & 1 for qubit in gate.qubits]
    controls = sum((column >> qubit & 1) << bit for bit, qubit in enumerate(gate.controls))
    if controls != gate.control_state:
        return [(column, 1)]
    inside = sum(value << bit for bit, value in enumerate(bits))
    rest = column & ~sum(1 << qubit for qubit in gate.qubits)
    if hasattr(gate, "diagonal"):
        return [(column, gate.diagonal[inside])]
    size = 1 << len(gate.qubits)
    if hasattr(gate, "matrix"):
        found = [(row, gate.matrix[row, inside]) for row in range(size)]
    else:
        found = [(int(gate.table[inside]), 1)]
    spread = [
        sum((row >> bit & 1) << qubit for bit, qubit in enumerate(gate.qubits))
        for row in range(size)
    ]
    return [(rest | spread[row], amplitude) for row, amplitude in found]


def segment(seed: int, kinds: tuple[str, ...]) -> Segment:
    rng = np.random.default_rng(seed)
    operations: list[Any] = [h(0), x(1), *random_noisy(rng, QUBITS, 20, kinds)]
    return Segment(operations)


@pytest.mark.parametrize("every", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_rows_have_their_unitary_errors(seed: int, every: bool) -> None:
    some = segment(seed, ("pauli", "two-qubit pauli", "phase flip"))
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(5):
        sites = np.flatnonzero(rng.random(len(some.channels)) < 0.4).tolist()
        rows.append([(s, int(rng.integers(len(some.channels[s].mixture.parts)))) for s in sites])
    sweep = sweep_of(some, [{s: some.factors(s, p) for s, p in row} for row in rows], every)
    assert sweep.batch == 5
    for number, row in enumerate(rows):
        found, expected = unitary([*gates_at(sweep, number)]), unitary(some.gates(tuple(row)))
        overlap = abs(np.vdot(found, expected)) / (1 << QUBITS)
        assert overlap == pytest.approx(1, abs=1e-12)


def test_a_row_may_have_a_kraus_operator() -> None:
    some = segment(3, ("relaxation",))
    site, parts = next((s, p) for s, p in enumerate(some.state_dependent) if p)
    rows = [{site: some.factors(site, parts[0], operator)} for operator in (0, 1)]
    sweep = sweep_of(some, rows, False)
    channel = some.channels[site]
    for operator in (0, 1):
        gates = gates_at(sweep, operator)
        matrix = channel.mixture.parts[parts[0]][operator]
        assert any(isinstance(one, Matrix) and np.allclose(one.matrix, matrix) for one in gates)


def test_with_every_site_lists_of_all_errors_have_one_structure() -> None:
    some = segment(1, ("pauli",))
    one, other = (sweep_of(some, [{site: some.factors(site, 1)}], True) for site in (0, 1))
    assert [gate.structure() for gate in one.gates] == [gate.structure() for gate in other.gates]
