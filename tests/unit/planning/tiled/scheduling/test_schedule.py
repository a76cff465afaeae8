"""Scheduling: every block once, in order, with little data moved."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.planning import Layout, Profile, make_plan
from simquay.planning.tiled.block_types import Block, block_type
from simquay.planning.tiled.cost import pass_cost
from simquay.planning.tiled.passes import TilePass, WidePass
from simquay.planning.tiled.scheduling.graph import Graph
from simquay.planning.tiled.scheduling.schedule import schedule_passes
from simquay.program import Matrix, Permutation
from simquay.program.gates import GateOperation

NOT = np.array([1, 0], dtype=np.intp)


def random_pairs(num_qubits: int, seed: int) -> list[GateOperation]:
    """Ten layers: a gate on every qubit, then CX on random pairs."""
    rng = np.random.default_rng(seed)
    matrix = np.linalg.qr(rng.normal(size=(2, 2)) + 1j * rng.normal(size=(2, 2)))[0]
    gates: list[GateOperation] = []
    for _ in range(10):
        gates += [Matrix(matrix, (qubit,)) for qubit in range(num_qubits)]
        order = rng.permutation(num_qubits).tolist()
        pairs = zip(order[::2], order[1::2], strict=False)
        gates += [Permutation(NOT, (target,), (control,), 1) for control, target in pairs]
    return gates


def moved(gates: list[GateOperation], num_qubits: int, search: int) -> float:
    """Amplitudes that a plan moves, in whole passes."""
    profile = Profile("tiled", tile=num_qubits - 8, low=4, search=search)
    plan = make_plan(gates, Layout(), profile, None)
    total = 0.0
    for pass_ in plan.passes:
        assert isinstance(pass_, (TilePass, WidePass))
        total += pass_cost(pass_).amplitudes
    return total / 2.0 ** (num_qubits + 1)


def test_a_search_from_four_starts_saves_passes() -> None:
    saved = [
        moved(gates, 24, 0) - moved(gates, 24, 24)
        for gates in (random_pairs(24, seed) for seed in range(10))
    ]
    assert sum(saved) > 3  # of about 33 passes
    assert min(saved) > -0.1  # flops count as well


@pytest.mark.parametrize("seed", range(3))
def test_narrower_states_are_searched_once(seed: int) -> None:
    gates = random_pairs(20, seed)
    assert moved(gates, 20, 21) == moved(gates, 20, 0)


TYPES = [
    block_type("dense", 1),
    block_type("dense", 1, 1, 1),
    block_type("diagonal", 2),
    block_type("dense", 4),
]


def test_every_block_runs_once_and_its_targets_are_in_the_tile() -> None:
    rng = np.random.default_rng(0)
    for _ in range(60):
        blocks: list[Block] = []
        for _ in range(30):
            type_ = TYPES[int(rng.choice(4, p=[0.3, 0.3, 0.3, 0.1]))]
            blocks.append((type_, tuple(rng.permutation(7)[: type_.total].tolist()), 0))
        tile, low = 3, int(rng.integers(0, 3))
        found = schedule_passes(blocks, Graph.of(blocks), range(7), tile, low)
        order: list[int] = []
        lowest = set(range(low))
        for pass_ in found:
            for stage in pass_.stages:
                together = [stage] if isinstance(stage, int) else stage
                order += together
                for block in together:
                    type_, wires, _ = blocks[block]
                    if pass_.wide:
                        assert type_.size > tile
                    elif type_.moves:
                        assert pass_.active.issuperset(wires[: type_.size])
            if not pass_.wide:
                assert len(pass_.active) == tile
                assert lowest <= pass_.active
            lowest = set(pass_.after[:low])
        assert sorted(order) == list(range(30))
        position = {block: place for place, block in enumerate(order)}
        for late in range(30):
            for early in range(late):
                if not commute(blocks, early, late):
                    assert position[early] < position[late]


def commute(blocks: list[Block], one: int, other: int) -> bool:
    """Whether two blocks are both diagonal on every wire that they share."""

    def targets(block: int) -> set[int]:
        type_, wires, _ = blocks[block]
        return set(wires[: type_.size]) if type_.moves else set()

    shared = set(blocks[one][1]) & set(blocks[other][1])
    return not shared & (targets(one) | targets(other))
