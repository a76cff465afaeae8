"""Gate lists in one compiled loop, against the reference engine."""

from __future__ import annotations

import numpy as np
import pytest
from stored_vectors import TOLERANCE

from simquay.engine_api import (
    Control,
    Diagonal,
    GateListPass,
    GateOperation,
    Layout,
    Matrix,
    Permutation,
    Plan,
    Precision,
    Prepare,
    ReferenceEngine,
    Relabel,
    make_plan,
)
from simquay.testing.engines import evolve, other_numbers, random_gates
from simquay_numba.assembly.gates import apply_gate_list
from simquay_numba.engine import NumbaEngine

ENGINE = NumbaEngine()
REFERENCE = ReferenceEngine()
BOTH = pytest.mark.parametrize("precision", list(Precision))


def first_plan(gates: list[GateOperation], layout: Layout, num_qubits: int) -> Plan:
    return make_plan(gates, layout, ENGINE.profile(Precision.DOUBLE, num_qubits))


@BOTH
def test_random_gates(precision: Precision) -> None:
    kinds: set[type] = set()
    direct = 0
    for seed in range(120):
        rng = np.random.default_rng([17, seed])
        num_qubits = int(rng.integers(1, 13))
        gates = random_gates(num_qubits, int(rng.integers(1, 40)), rng, widest=5)
        plan = make_plan(gates, Layout(), ENGINE.profile(precision, num_qubits))
        if not any(isinstance(pass_, GateListPass) for pass_ in plan.passes):
            continue  # a control that stays |0>
        direct += 1
        kinds.update(map(type, gates))
        state = ENGINE.allocate(num_qubits, precision, capacity=num_qubits)
        ENGINE.apply(state, plan, Control())
        found = ENGINE.amplitudes(state)
        expected = REFERENCE.amplitudes(evolve(REFERENCE, gates, num_qubits))
        np.testing.assert_allclose(found, expected, atol=TOLERANCE[precision])
    assert direct > 80
    assert len(kinds) == 5


@BOTH
def test_each_vector_of_a_batch_on_a_stored_layout(precision: Precision) -> None:
    rng = np.random.default_rng(5)
    for _ in range(10):
        before = random_gates(6, 20, rng, prepare=False)
        state = ENGINE.allocate(6, precision, capacity=6)
        ENGINE.apply(state, first_plan(before, Layout(), 6), Control())
        other = other_numbers(before, rng)
        another = ENGINE.allocate(6, precision, capacity=6)
        ENGINE.apply(another, first_plan(other, Layout(), 6), Control())
        both = ENGINE.select([(state, [0]), (another, [0])])
        gates = random_gates(6, 20, rng, prepare=False)
        ENGINE.apply(both, first_plan(gates, both.layout, 6), Control())
        expected = [
            REFERENCE.amplitudes(evolve(REFERENCE, [*first, *gates], 6))[0]
            for first in (before, other)
        ]
        np.testing.assert_allclose(ENGINE.amplitudes(both), expected, atol=TOLERANCE[precision])


def test_a_qubit_that_is_relabelled_before_it_is_touched() -> None:
    amplitudes = np.array([0.6, 0.8j])
    gates: list[GateOperation] = [
        Prepare(amplitudes, (0,)),
        Relabel((0, 1), (1, 0)),
        Prepare(amplitudes, (0,)),
    ]
    plan = first_plan(gates, Layout(), 2)
    assert isinstance(plan.passes[0], GateListPass)
    state = ENGINE.allocate(2, Precision.DOUBLE, capacity=2)
    ENGINE.apply(state, plan, Control())
    np.testing.assert_allclose(
        ENGINE.amplitudes(state)[0], np.kron(amplitudes, amplitudes), atol=1e-15
    )


@BOTH
def test_numbers_of_other_types(precision: Precision) -> None:
    # A program that is made by hand may hold any integers, and real or single-precision numbers.
    typed: list[GateOperation] = [
        Matrix(np.array([[0.6, 0.8], [0.8, -0.6]], dtype=np.float32), (0,)),
        Matrix(np.array([[0, 1], [1, 0]]), (2,)),
        Permutation(np.array([1, 0], dtype=np.int32), (1,), (0,), 1),
        Diagonal(np.array([1, -1], dtype=np.int8), (1,)),
        Permutation(np.array([0, 2, 3, 1], dtype=np.uint16), (2, 0)),
    ]
    state = ENGINE.allocate(3, precision, capacity=3)
    apply_gate_list(state, GateListPass(typed, (0, 1, 2)))
    state.layout = Layout((0, 1, 2))
    expected = REFERENCE.amplitudes(evolve(REFERENCE, typed, 3))
    np.testing.assert_allclose(ENGINE.amplitudes(state), expected, atol=1e-6)
