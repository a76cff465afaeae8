"""Sweeps: which numbers differ between gate lists of one structure."""

from __future__ import annotations

import numpy as np

from simquay.planning.numbers.pool import PoolLayout
from simquay.planning.numbers.sweep import GateSweep
from simquay.program import GateOperation, Matrix, Prepare
from tests.support.gate_lists import other_numbers, random_gates


def gate_lists(count: int, seed: int = 0) -> list[list[GateOperation]]:
    rng = np.random.default_rng(seed)
    gates = random_gates(5, 60, rng, widest=2)
    gates.insert(0, Prepare(np.array([0.6, 0.8j]), (0,)))
    return [other_numbers(gates, rng) for _ in range(count)]


def test_the_pool_of_each_vector_is_that_of_its_list() -> None:
    lists = gate_lists(4)
    layout = PoolLayout(lists[0])
    pools = layout.fill_sweep(GateSweep.of(lists))
    np.testing.assert_array_equal(pools, [layout.fill(gates) for gates in lists])


def test_numbers_that_are_one_object_everywhere_are_no_change() -> None:
    first, second = gate_lists(2)
    assert GateSweep.of([first, [*first]]).changes == ()
    turn = max(place for place, gate in enumerate(first) if isinstance(gate, Matrix))
    mixed = [second[place] if place == turn else gate for place, gate in enumerate(first)]
    (change,) = GateSweep.of([first, mixed, first]).changes
    assert change.places == (turn,)
    np.testing.assert_array_equal(change.numbers[0], change.numbers[2])
    assert (change.numbers[0] != change.numbers[1]).any()


def test_parts_have_the_numbers_of_their_gates() -> None:
    lists = gate_lists(3)
    sweep = GateSweep.of(lists)
    assert sweep.part(0, len(lists[0])) is sweep
    for start, stop in ((0, 9), (9, 31), (31, 99), (5, 6), (4, 4)):
        part = sweep.part(start, stop)
        assert part.gates == lists[0][start:stop]
        layout = PoolLayout(part.gates)
        expected = [layout.fill(gates[start:stop]) for gates in lists]
        np.testing.assert_array_equal(layout.fill_sweep(part), expected)
