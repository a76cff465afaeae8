"""Clusters of blocks, and their products."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.planning import Layout, Profile, make_plan
from simquay.planning.numbers.pool import PoolLayout
from simquay.planning.tiled.block_types import block_type
from simquay.planning.tiled.blocks.blocks import make_blocks
from simquay.planning.tiled.blocks.clusters import fuse_blocks
from simquay.planning.tiled.passes import DenseStage, PermuteStage
from simquay.program import Diagonal, GateOperation, Matrix, Permutation
from tests.support.gate_lists import random_unitary
from tests.support.tiled_gates import HADAMARD, NOT, cx, only_stages, tile_passes
from tests.support.tiled_runs import expected, random_vectors, run_plan


def test_a_long_cluster_on_one_pair():
    rng = np.random.default_rng(1)
    gates: list[GateOperation] = []
    for _ in range(100):
        gates += [Matrix(random_unitary(2, rng), (q,)) for q in (0, 1)]
        gates.append(cx(1, 0))
    (stage,) = only_stages(gates)
    assert isinstance(stage, DenseStage)
    vectors = random_vectors(rng, 2, 2)
    plan = make_plan(gates, Layout((0, 1)), Profile("tiled", tile=2, low=0))
    np.testing.assert_allclose(run_plan(plan, vectors, 2), expected(gates, vectors), atol=1e-12)


def test_what_cancels_disappears():
    flip = cx(0, 1)
    gates: list[GateOperation] = [Matrix(HADAMARD, (2,)), flip, Matrix(HADAMARD, (2,)), flip]
    plan = make_plan(gates, Layout((0, 1, 2)), Profile("tiled", tile=2, low=0))
    assert len(plan) == 0


@pytest.mark.parametrize("times", [2, 3, 4, 5])
def test_flips_in_a_row_are_one_or_none(times):
    flips = [Permutation(NOT, (q,)) for _ in range(times) for q in range(3)]
    plan = make_plan(flips, Layout(), Profile("tiled", tile=3, low=0))
    stages = [stage for pass_ in tile_passes(plan) for stage in pass_.stages]
    assert all(isinstance(stage, PermuteStage) and stage.is_flip for stage in stages)
    assert len(stages) == (3 if times % 2 else 0)
    assert len(plan.final.order) == len(stages)


def test_alike_clusters_without_numbers_have_one_product():
    down = [cx(0, 1), cx(2, 3)]
    up = [cx(1, 0), cx(3, 2)]
    hadamards = [Matrix(HADAMARD, (q,)) for q in range(4)]
    gates: list[GateOperation] = [*down, *up, *down, *up, *down, *hadamards]
    vectors = random_vectors(np.random.default_rng(0), 2, 4)
    plan = make_plan(gates, Layout((0, 1, 2, 3)), Profile("tiled", tile=3, low=0))
    np.testing.assert_allclose(run_plan(plan, vectors, 4), expected(gates, vectors), atol=1e-12)


def test_a_diagonal_product_is_the_diagonal_of_a_matrix():
    gates: list[GateOperation] = [
        cx(0, 1),
        Diagonal(np.array([2, 3j]), (1,)),
        cx(0, 1),
        Diagonal(np.array([5, 7]), (0,), (1,), 1),
    ]
    layout = PoolLayout(gates)
    blocks, _ = make_blocks(gates, [0] * 4, layout.starts, (0, 1))
    fused, (product,), _ = fuse_blocks(blocks, layout.size - 1)
    ((type_, wires, _),) = fused
    assert (type_.kind, type_.source) == ("diagonal", (0, 5, 10, 15))
    assert wires == (1, 0)
    # CX RZ CX is the diagonal (2, 3j, 3j, 2); the last gate acts where wire 1, bit 0, is 1.
    (found,) = product.fill(layout.fill(gates))
    np.testing.assert_allclose(found, np.diag([2, 3j * 5, 3j, 2 * 7]))


def test_a_cluster_that_is_diagonal_on_a_wire_has_a_product_for_each_of_its_values():
    rng = np.random.default_rng(4)
    gates: list[GateOperation] = [
        Matrix(random_unitary(2, rng), (1,), (0,), 1),
        Matrix(random_unitary(2, rng), (1,)),
        cx(0, 1),
        Matrix(random_unitary(2, rng), (1,), (0,), 0),
    ]
    stages = only_stages(gates)
    assert [isinstance(stage, DenseStage) and stage.bits for stage in stages] == [(1,), (1,)]
    vectors = random_vectors(rng, 2, 2)
    plan = make_plan(gates, Layout((0, 1)), Profile("tiled", tile=2, low=0))
    np.testing.assert_allclose(run_plan(plan, vectors, 2), expected(gates, vectors), atol=1e-12)


def test_products_have_their_numbers_behind_the_pool():
    single = block_type("dense", 1)
    blocks = [(single, (5,), 2), (single, (5,), 6), (single, (3,), 10), (single, (3,), 14)]
    fused, (product,), vanished = fuse_blocks(blocks, 18)
    assert not vanished
    assert [(wires, start) for _, wires, start in fused] == [((5,), 18), ((3,), 22)]
    numbers = np.concatenate([[1, 0], np.arange(2, 18), [0]]).astype(complex)
    parts = numbers[2:18].reshape(4, 2, 2)
    np.testing.assert_array_equal(product.fill(numbers), [parts[1] @ parts[0], parts[3] @ parts[2]])
