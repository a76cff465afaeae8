"""A second search, where a profile asks for one, finds no worse plans and sometimes better ones."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.planning import Layout, Profile, make_plan
from simquay.planning.tiled.cost import pass_cost
from simquay.program import Matrix, Permutation
from simquay.program.operations import GateOperation

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
    total = sum(pass_cost(pass_).amplitudes for pass_ in plan.passes)
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
