"""Scheduled passes as recipes: bits, write-back, and wide gates."""

from __future__ import annotations

import numpy as np

from simquay.planning import Layout, Profile, make_plan
from simquay.planning.tiled.passes import DenseStage, PermuteStage, PrepareStage, TilePass, WidePass
from simquay.program import Matrix, Permutation, Prepare
from tests.support.gate_lists import random_unitary
from tests.support.tiled_gates import HADAMARD, only_stages


def test_a_matrix_on_descending_bits_is_reordered():
    matrix = random_unitary(4, np.random.default_rng(0))
    (stage,) = only_stages([Matrix(matrix, (3, 1))])
    assert isinstance(stage, DenseStage)
    assert stage.bits == (1, 3)
    swapped = [0, 2, 1, 3]
    np.testing.assert_array_equal(stage.matrix, matrix[np.ix_(swapped, swapped)])


def test_a_permutation_on_descending_bits_says_where_amplitudes_come_from():
    cycle = np.array([1, 2, 3, 0])  # |i> goes to |i + 1>, with qubit 2 the lowest bit
    (stage,) = only_stages([Permutation(cycle, (2, 0))])
    assert isinstance(stage, PermuteStage)
    assert stage.bits == (0, 2)
    # 00 → 10 → 01 → 11 → 00 as (bit 2, bit 0) counts 0 → 1 → 2 → 3; index bit 0 is local bit 0.
    assert stage.source.tolist() == [3, 2, 0, 1]


def test_a_preparation_has_its_amplitudes_in_the_order_of_bits():
    state = np.array([0.1, 0.3, 0.5, 0.7]) + 0j
    plan = make_plan([Prepare(state, (1, 0))], Layout(), Profile("tiled", tile=2, low=0))
    (pass_,) = plan.passes
    assert isinstance(pass_, TilePass)
    (stage,) = pass_.stages
    assert isinstance(stage, PrepareStage)
    order = [plan.final.order[bit] for bit in stage.bits]
    expected = state if order == [1, 0] else state[[0, 2, 1, 3]]
    np.testing.assert_array_equal(stage.amplitudes, expected)


def test_the_write_back_puts_shared_wires_lowest():
    gates = [Matrix(HADAMARD, (q,)) for q in range(6)]
    gates += [Matrix(random_unitary(4, np.random.default_rng(q)), (q, 5 - q)) for q in range(3)]
    plan = make_plan(gates, Layout(tuple(range(6))), Profile("tiled", tile=4, low=2))
    order = list(plan.initial.order)
    for pass_ in plan.passes:
        assert isinstance(pass_, TilePass)
        after = list(order)
        for local, bit in enumerate(pass_.active):
            after[pass_.active[pass_.store[local]]] = order[bit]
        order = after
    assert tuple(order) == plan.final.order
    assert len(plan) > 1


def test_a_gate_on_more_qubits_than_a_tile_is_a_wide_pass():
    matrix = random_unitary(8, np.random.default_rng(1))
    gate = Matrix(matrix, (4, 0, 2), (1,), 1)
    plan = make_plan([gate], Layout(tuple(range(5))), Profile("tiled", tile=2, low=0))
    (pass_,) = plan.passes
    assert isinstance(pass_, WidePass)
    assert isinstance(pass_.gate, Matrix)
    assert (pass_.gate.qubits, pass_.gate.controls, pass_.gate.control_state) == (
        (4, 0, 2),
        (1,),
        1,
    )
    np.testing.assert_array_equal(pass_.gate.matrix, matrix)
