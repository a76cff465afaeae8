"""Tables of diagonals, against the diagonals applied to a vector."""

from __future__ import annotations

import numpy as np

from simquay.planning.dense.phase_tables import Diagonals
from simquay.planning.numbers.pool import PoolLayout
from simquay.program import Diagonal
from simquay.program.gates import GateOperation, Relabel
from tests.support.dense_gates import cp, wire_gates
from tests.support.gate_lists import apply_naively, random_gates


def test_a_table_is_the_product_of_its_diagonals() -> None:
    rng = np.random.default_rng(2)
    for _ in range(60):
        width = int(rng.integers(1, 14))
        gates: list[GateOperation] = [
            gate
            for gate in random_gates(width, 60, rng, prepare=False)
            if isinstance(gate, Diagonal)
        ]
        for a in range(width):  # many pairs, as a Fourier transform has
            gates += [cp(a, b) for b in range(a + 1, width) if rng.random() < 0.7]
        if width > 10:
            entries = np.exp(1j * rng.uniform(0, 6, 16))
            gates.append(Diagonal(entries, (width - 1, 0, 5, 9), (3, 7), 2))
        wires = [int(w) for w in rng.permutation(width)]
        layout = PoolLayout(gates)
        diagonals = Diagonals(layout.starts)
        index = diagonals.add(wire_gates(gates), wires)
        table = diagonals.recipes().fill(layout.fill(gates))[index]
        vector = np.ones(1 << width, dtype=complex)
        for gate in gates:
            vector = apply_naively(vector, gate)
        moved = apply_naively(vector, Relabel(tuple(range(width)), tuple(wires)))
        np.testing.assert_allclose(table, moved, atol=1e-11)


def test_a_table_of_no_diagonals_is_ones() -> None:
    diagonals = Diagonals([])
    assert diagonals.add((), (3, 1)) == 0
    assert diagonals.add((), ()) == 1
    tables = diagonals.recipes().fill(np.empty(0, dtype=complex))
    assert [table.tolist() for table in tables] == [[1] * 4, [1]]
