"""Costs of passes and stages."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.planning import Layout, Profile, make_plan
from simquay.planning.tiled.cost import dense_flops, pass_cost, stage_flops
from simquay.planning.tiled.passes import (
    Condition,
    DenseStage,
    DiagonalGroup,
    DiagonalStage,
    DiagonalTerm,
    PermuteStage,
    TilePass,
    WidePass,
)
from simquay.program import Matrix
from tests.support.tiled_gates import NOT, rotation


def test_costs_count_what_the_form_needs():
    gates = [Matrix(rotation(0.4, "x"), (0,))]
    plan = make_plan(gates, Layout((0, 1, 2, 3)), Profile("tiled", tile=2, low=0))
    (pass_,) = plan.passes
    assert isinstance(pass_, TilePass)
    cost = pass_cost(pass_)
    assert (cost.flops, cost.amplitudes, cost.stages, cost.rounds) == (8 * 16, 32, 1, 1)


@pytest.mark.parametrize(
    ("form", "flops"), [("complex", 32), ("real", 16), ("rx_like", 16), ("hadamard", 8)]
)
def test_flops_of_a_dense_stage(form, flops):
    assert dense_flops(2, form) == flops


def test_a_condition_leaves_out_amplitudes():
    stage = DenseStage((0,), np.eye(2, dtype=complex), "complex", Condition(0b10, 0b10, 0b1, 0))
    assert stage_flops(stage, 4) == 16 / 4
    assert stage_flops(PermuteStage((0,), NOT), 4) == 0


def test_a_diagonal_costs_a_product_for_each_group():
    ones = np.ones(2, dtype=complex)
    group = DiagonalGroup((0,), (DiagonalTerm((0,), (), ones),))
    half = DiagonalGroup((0,), (DiagonalTerm((0,), (), ones),), 0b10, 0b10)
    assert stage_flops(DiagonalStage((group, half)), 4) == 6 + 3


def test_a_wide_pass_reads_and_writes_the_vector():
    gate = Matrix(np.eye(4, dtype=complex), (0, 1))
    cost = pass_cost(WidePass(3, 4, gate))
    assert (cost.amplitudes, cost.flops, cost.rounds) == (8 + 16, 8 * 4 * 16, 0)
