"""Dependencies of nodes, against those of all pairs."""

from __future__ import annotations

import numpy as np

from simquay.planning.dense.fusion import dependencies, fuse_gates
from simquay.program.bits import bits_of
from simquay.program.gates import GateOperation
from tests.support.dense_gates import cp, h, stored
from tests.support.gate_lists import random_gates


def test_diagonals_that_follow_each_other_may_change_places() -> None:
    gates: list[GateOperation] = [h(0), cp(0, 1), cp(0, 2), h(0), cp(0, 1)]
    nodes = fuse_gates(gates, stored(3), widest=2, widest_diagonal=2).nodes
    before, after, on = dependencies(nodes)
    assert [bits_of(mask) for mask in before] == [[], [0], [0], [0, 1, 2], [0, 1, 2, 3]]
    assert [bits_of(mask) for mask in after] == [[1, 2, 3, 4], [3, 4], [3, 4], [4], []]
    assert [bits_of(mask) for mask in on] == [[0, 1, 2, 3, 4], [1, 4], [2]]


def test_dependencies_are_those_of_all_pairs() -> None:
    rng = np.random.default_rng(5)
    for _ in range(60):
        n = int(rng.integers(1, 8))
        gates = random_gates(n, int(rng.integers(1, 50)), rng, prepare=False)
        nodes = fuse_gates(gates, stored(n), widest=3, widest_diagonal=3).nodes
        count = len(nodes)
        # Two nodes that share a wire and are not both diagonal; then all that follows from that.
        needs = np.zeros((count, count), dtype=bool)
        for i, second in enumerate(nodes):
            for j, first in enumerate(nodes[:i]):
                if second.mask & first.mask and not (second.diagonal and first.diagonal):
                    needs[i, j] = True
        for i in range(count):
            for j in np.flatnonzero(needs[i]).tolist():
                needs[i] |= needs[j]
        before, after, _ = dependencies(nodes)
        for i in range(count):
            assert bits_of(before[i]) == np.flatnonzero(needs[i]).tolist()
            assert bits_of(after[i]) == np.flatnonzero(needs[:, i]).tolist()
