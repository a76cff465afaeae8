"""What a cluster becomes: one dense block, a diagonal, or its members."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.planning import Layout, Profile, make_plan
from simquay.planning.tiled.block_types import block_type
from simquay.planning.tiled.blocks.fusion import settle
from simquay.planning.tiled.passes import DenseStage, DiagonalStage, PermuteStage
from simquay.program import GateOperation, Matrix
from tests.support.tiled_gates import HADAMARD, cx, only_stages, rotation, tile_passes
from tests.support.tiled_runs import expected, random_vectors, run_plan

CX = (block_type("permute", 1, 1, 1, "complex", True, (1, 0)), (1, 0))
CZ = (block_type("diagonal", 1, 1, 1, is_real=True), (1, 0))
U = (block_type("dense", 1), (0,))
V = (block_type("dense", 1), (1,))


def test_fusion_of_one_qubit_gates_into_a_dense_pair():
    u, v = (rotation(a, "x") @ rotation(a, "y") for a in (0.3, 0.7))
    gates: list[GateOperation] = [Matrix(u, (0,)), Matrix(v, (1,)), cx(0, 1), Matrix(v, (0,))]
    (stage,) = only_stages(gates)
    assert isinstance(stage, DenseStage)
    assert len(stage.bits) == 2


def test_a_chain_of_cx_stays_index_arithmetic():
    gates: list[GateOperation] = [Matrix(HADAMARD, (0,)), *(cx(q, q + 1) for q in range(3))]
    first, *rest = only_stages(gates)
    assert isinstance(first, DenseStage)
    assert all(isinstance(stage, PermuteStage) and stage.is_flip for stage in rest)


def test_cx_rz_cx_is_a_diagonal():
    flip = cx(0, 1)
    (stage,) = only_stages([flip, Matrix(rotation(0.3, "z"), (1,)), flip])
    assert isinstance(stage, DiagonalStage)


def test_cx_rz_cx_between_dense_gates_stays_a_diagonal():
    flip = cx(0, 1)
    u = rotation(0.3, "x") @ rotation(0.4, "y")
    around = [Matrix(u, (0,)), Matrix(u, (1,))]
    stages = only_stages([*around, flip, Matrix(rotation(0.3, "z"), (1,)), flip, *around])
    kinds = [type(stage) for stage in stages]
    assert kinds == [DenseStage, DenseStage, DiagonalStage, DenseStage, DenseStage]
    assert all(len(stage.bits) == 1 for stage in stages if isinstance(stage, DenseStage))


def test_what_is_diagonal_on_one_wire_becomes_two_controlled_gates():
    flip = cx(0, 1)
    turns = [Matrix(rotation(a, "x") @ rotation(a, "y"), (1,)) for a in (0.3, 0.5, 0.7)]
    gates: list[GateOperation] = [turns[0], flip, turns[1], flip, turns[2], flip]
    # The control may stay outside the tile, so that one pass is enough.
    profile = Profile("tiled", tile=1, low=0)
    plan = make_plan(gates, Layout((0, 1)), profile)
    (pass_,) = tile_passes(plan)
    first, second = pass_.stages
    assert isinstance(first, DenseStage)
    assert isinstance(second, DenseStage)
    assert first.bits == second.bits == (0,)
    assert (first.condition.outer_mask, first.condition.outer_value) == (1, 0)
    assert (second.condition.outer_mask, second.condition.outer_value) == (1, 1)
    vectors = random_vectors(np.random.default_rng(0), 2, 2)
    np.testing.assert_allclose(run_plan(plan, vectors, 2), expected(gates, vectors), atol=1e-12)


SHEAR = np.array([[1, 0], [0.3, 0.5]], dtype=complex)


@pytest.mark.parametrize(
    ("gates", "affine"),
    [
        ([Matrix(SHEAR, (0,)), Matrix(SHEAR, (0,))], True),
        ([Matrix(SHEAR, (0,)), Matrix(rotation(0.3, "y"), (0,))], False),
        ([Matrix(np.kron(SHEAR, SHEAR), (0, 1)), Matrix(SHEAR, (1,), (0,), 1)], True),
        ([Matrix(np.kron(SHEAR, SHEAR), (0, 1)), cx(0, 1), Matrix(SHEAR, (0,))], False),
        ([Matrix(SHEAR, (1,), (0,), 1)], True),
    ],
)
def test_products_of_affine_matrices_are_affine(gates, affine):
    stages = [stage for stage in only_stages(gates) if isinstance(stage, DenseStage)]
    assert [stage.affine for stage in stages] == [affine]
    for stage in stages:
        first = np.eye(len(stage.matrix))[0]
        assert not stage.affine or np.array_equal(stage.matrix[0], first)


def test_nothing_is_left_of_permutations_that_cancel():
    assert settle((CX, CX)) == []


def test_a_single_member_stays_what_it_is():
    (fusion,) = settle((CZ,))
    assert (fusion.type_, list(fusion.members)) == (CZ[0], [0])


@pytest.mark.parametrize(
    ("members", "dense"),
    [([CX], False), ([CZ], False), ([U, V, CX], True), ([U, V, CZ], False), ([CX, U, CX], True)],
)
def test_one_dense_block_pays_where_stages_are_saved(members, dense):
    kinds = [(fusion.type_.kind, fusion.type_.size) for fusion in settle(tuple(members))]
    assert (kinds == [("dense", 2)]) is dense
