"""Diagonals of a pass: packed into few groups."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.planning import Layout, Profile, make_plan
from simquay.planning.tiled.diagonals import condition_of
from simquay.planning.tiled.passes import Condition, DenseStage, DiagonalStage
from simquay.program import Diagonal, GateOperation, Matrix
from tests.support.gate_lists import random_unitary
from tests.support.tiled_gates import only_stages, rotation
from tests.support.tiled_runs import check_invariants, expected, random_vectors, run_plan


def test_diagonals_gather_in_one_stage():
    zz = np.exp(1j * np.array([1, -1, -1, 1]))
    gates: list[GateOperation] = [Diagonal(zz, (q, q + 1)) for q in range(3)]
    gates += [Matrix(rotation(0.3, "x"), (q,)) for q in range(4)]
    first, *rest = only_stages(gates)
    assert isinstance(first, DiagonalStage)
    assert len(first.groups) == 1
    assert len(rest) == 4
    assert all(isinstance(stage, DenseStage) and stage.form == "rx_like" for stage in rest)


@pytest.mark.parametrize("seed", range(8))
def test_diagonals_with_many_controls_beside_those_with_none(seed):
    # More than six wires in all: some controls become conditions, which share no group.
    rng = np.random.default_rng(seed)
    gates: list[GateOperation] = [Matrix(random_unitary(2, rng), (q,)) for q in range(8)]
    for _ in range(12):
        size = int(rng.integers(1, 3))
        qubits = rng.permutation(8).tolist()
        controls = tuple(qubits[size : size + int(rng.choice([0, 1, 5, 6]))])
        phases = np.exp(2j * np.pi * rng.random(1 << size))
        state = int(rng.integers(1 << len(controls)))
        gates.append(Diagonal(phases, tuple(qubits[:size]), controls, state))
    vectors = random_vectors(rng, 2, 8)
    for tile in (2, 5, 8):
        plan = make_plan(gates, Layout(tuple(range(8))), Profile("tiled", tile=tile, low=1))
        check_invariants(plan)
        np.testing.assert_allclose(run_plan(plan, vectors, 8), expected(gates, vectors), atol=1e-12)


def test_controls_inside_and_outside_the_tile():
    # Wires 5 and 7 are the local bits 0 and 2, wire 6 is outer bit 1.
    bit_of = {5: 0, 7: 2, 6: ~1}
    assert condition_of((5, 6, 7), 0b011, bit_of) == Condition(0b101, 0b001, 0b10, 0b10)
    assert condition_of((), 0, bit_of) == Condition()
