"""The traits of numbers, and the forms that stages have from them."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.planning import GateSweep, Layout, Profile, make_plan
from simquay.planning.numbers.pool import PoolLayout
from simquay.planning.tiled.passes import DenseStage
from simquay.planning.tiled.traits import traits_of
from simquay.planning.wires import Trait
from simquay.program import Diagonal, GateOperation, Matrix, Prepare
from tests.support.gate_lists import random_unitary
from tests.support.tiled_gates import HADAMARD, only_stages, rotation
from tests.support.tiled_runs import expected, random_vectors, run_plan, spread


@pytest.mark.parametrize(
    ("matrix", "trait"),
    [
        (rotation(0.3, "x"), Trait.RX_LIKE),
        (rotation(0.3, "y"), Trait.REAL),
        (rotation(0.3, "z"), Trait.DIAGONAL),
        (np.diag([1, -1]), Trait.DIAGONAL | Trait.REAL),
        (HADAMARD, Trait.HADAMARD | Trait.REAL),
        (rotation(0.3, "x") @ rotation(0.3, "y"), Trait(0)),
        (np.kron(HADAMARD, HADAMARD), Trait.REAL),
        (np.kron(rotation(0.3, "z"), np.eye(2)), Trait.DIAGONAL),
        (np.kron(rotation(0.3, "x"), HADAMARD), Trait(0)),
        (np.array([[1, 0], [0.3, 0.5]]), Trait.REAL | Trait.AFFINE),
        (np.array([[1, 0], [0.3, 0.5j]]), Trait(0)),
        (np.array([[1, 0.1], [0.3, 0.5]]), Trait.REAL),
        (np.kron([[1, 0], [0.3, 0.5]], np.eye(2)), Trait.REAL | Trait.AFFINE),
        (np.kron([[1, 0], [0.3, 0.5]], HADAMARD), Trait.REAL),
        (np.diag([1, 0.5, 0.25, 0.1]), Trait.REAL | Trait.DIAGONAL),
    ],
)
def test_traits_of_matrices(matrix, trait):
    qubits = tuple(range(len(matrix).bit_length() - 1))
    gates = [Matrix(matrix.astype(complex), qubits)]
    layout = PoolLayout(gates)
    assert traits_of(layout.fill(gates), layout).tolist() == [trait]


def test_traits_of_several_gate_lists():
    gates: list[GateOperation] = [
        Matrix(rotation(0.3, "x"), (0,)),
        Diagonal(np.array([1, 1j]), (1,)),
    ]
    others: list[GateOperation] = [Matrix(HADAMARD, (0,)), Diagonal(np.array([1, -1 + 0j]), (1,))]
    layout = PoolLayout(gates)
    found = traits_of(layout.fill_sweep(GateSweep.of([gates, others])), layout)
    assert found.tolist() == [[Trait.RX_LIKE, 0], [Trait.HADAMARD | Trait.REAL, Trait.REAL]]


def test_diagonals_are_real_or_not_and_states_have_no_traits():
    gates: list[GateOperation] = [
        Diagonal(np.array([1, 5j]), (2,)),
        Prepare(np.array([0.6, 0.8]) + 0j, (3,)),
        Diagonal(np.array([1, 7]) + 0j, (1,)),
        Diagonal(np.arange(16) + 0j, (0, 1, 2, 3)),
    ]
    layout = PoolLayout(gates)
    assert traits_of(layout.fill(gates), layout).tolist() == [0, Trait.REAL, 0, Trait.REAL]


@pytest.mark.parametrize(
    ("matrix", "form"),
    [
        (rotation(0.4, "x"), "rx_like"),
        (rotation(0.4, "y"), "real"),
        (HADAMARD, "hadamard"),
        (rotation(0.4, "x") @ rotation(0.2, "y"), "complex"),
    ],
)
def test_forms_of_stages(matrix, form):
    (stage,) = only_stages([Matrix(matrix, (2,))])
    assert isinstance(stage, DenseStage)
    assert stage.form == form


@pytest.mark.parametrize("layout", [(), tuple(range(4))])
def test_numbers_of_other_precision_and_order_in_memory(layout):
    u = random_unitary(4, np.random.default_rng(3))
    gates: list[GateOperation] = [
        Matrix(u.astype(np.complex64), (0, 1)),
        Matrix(np.asfortranarray(u), (2, 1)),
        Diagonal(np.exp(1j * np.arange(8))[::2], (3, 0)),
        Matrix(u.T, (3, 1)),
    ]
    plan = make_plan(gates, Layout(layout), Profile("tiled", tile=3, low=1))
    vectors = random_vectors(np.random.default_rng(0), 2, len(layout))
    want = expected(gates, spread(vectors, list(layout), 4))
    np.testing.assert_allclose(run_plan(plan, vectors, 4), want, atol=1e-6)
