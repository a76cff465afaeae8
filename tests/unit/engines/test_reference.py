"""The reference engine against matrices written out entry by entry."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.quantum_info import Pauli, Statevector

from simquay.control import Control
from simquay.engines.reference import ReferenceEngine, ReferenceState
from simquay.errors import Cancelled, ProgramError
from simquay.planning import Layout, Plan, Profile, make_plan
from simquay.program import (
    Diagonal,
    GateOperation,
    Matrix,
    Permutation,
    Precision,
    Prepare,
    Relabel,
)
from tests.support.dense import final_state, gate_matrix
from tests.support.random_programs import gate_lists, random_gates, random_unitary

ENGINE = ReferenceEngine()
TOLERANCE = {Precision.DOUBLE: 1e-12, Precision.SINGLE: 1e-5}


def state_after(
    num_qubits: int,
    gates: tuple[GateOperation, ...],
    precision: Precision = Precision.DOUBLE,
    batch: int = 1,
) -> ReferenceState:
    state = ENGINE.allocate(num_qubits, precision, capacity=num_qubits, batch=batch)
    plan = make_plan(gates, state.layout, ENGINE.profile(precision, num_qubits))
    ENGINE.apply(state, plan, Control())
    assert state.layout == plan.final
    return state


@settings(max_examples=150, deadline=None)
@given(program=gate_lists(max_qubits=5), precision=st.sampled_from(Precision))
def test_gates_agree_with_full_matrices(
    program: tuple[int, tuple[GateOperation, ...]], precision: Precision
) -> None:
    num_qubits, gates = program
    state = state_after(num_qubits, gates, precision)
    amplitudes = ENGINE.amplitudes(state)
    assert amplitudes.dtype == precision.complex_dtype
    expected = final_state(gates, num_qubits)
    np.testing.assert_allclose(amplitudes, expected[None], atol=TOLERANCE[precision])


@settings(max_examples=50, deadline=None)
@given(program=gate_lists(max_qubits=4, max_gates=8), split=st.integers(0, 8))
def test_a_plan_may_begin_at_any_layout(
    program: tuple[int, tuple[GateOperation, ...]], split: int
) -> None:
    num_qubits, gates = program
    state = state_after(num_qubits, gates[:split], batch=2)
    rest = make_plan(gates[split:], state.layout, ENGINE.profile(Precision.DOUBLE, num_qubits))
    ENGINE.apply(state, rest, Control())
    expected = np.tile(final_state(gates, num_qubits), (2, 1))
    np.testing.assert_allclose(ENGINE.amplitudes(state), expected, atol=1e-12)


def test_global_phase_without_qubits() -> None:
    state = state_after(0, (Diagonal(np.array([1j]), ()),))
    np.testing.assert_array_equal(ENGINE.amplitudes(state), [[1j]])
    assert ENGINE.probabilities(state, (), {}).tolist() == [[1.0]]


def test_untouched_qubits_are_not_stored() -> None:
    x = Permutation(np.array([1, 0]), (50,), (7,), 0)
    state = state_after(60, (x, Relabel((50, 51), (51, 50))))
    assert state.layout == Layout((51,))
    assert state.vectors.shape == (1, 2)
    assert ENGINE.gather(state, np.array([1 << 51, 1 << 50, 0], dtype=np.uint64)).tolist() == [
        [1, 0, 0]
    ]


def test_a_prepare_on_stored_qubits_that_are_zero_again() -> None:
    x = Permutation(np.array([1, 0]), (1,))
    vector = np.array([0.6, 0, 0, 0.8j])
    gates = (x, x, Permutation(np.array([1, 0]), (2,)), Prepare(vector, (1, 0)))
    np.testing.assert_allclose(
        ENGINE.amplitudes(state_after(3, gates))[0], [0, 0, 0, 0, 0.6, 0, 0, 0.8j]
    )


@pytest.mark.parametrize("seed", range(20))
def test_probabilities_gather_and_amplitudes(seed: int) -> None:
    generator = np.random.default_rng(seed)
    n = 5
    gates = random_gates(n, 12, seed)
    state = state_after(n, gates, batch=2)
    expected = final_state(gates, n)
    order = generator.permutation(n)
    measured = [int(q) for q in order[: generator.integers(0, 4)]]
    fixed = {int(q): int(generator.integers(0, 2)) for q in order[4:]}
    probabilities = np.zeros(1 << len(measured))
    for index, amplitude in enumerate(expected):
        if all(index >> q & 1 == value for q, value in fixed.items()):
            outcome = sum((index >> q & 1) << j for j, q in enumerate(measured))
            probabilities[outcome] += abs(amplitude) ** 2
    result = ENGINE.probabilities(state, measured, fixed)
    np.testing.assert_allclose(result, np.tile(probabilities, (2, 1)), atol=1e-12)
    indices = generator.integers(0, 1 << n, 9).astype(np.uint64)
    np.testing.assert_allclose(
        ENGINE.gather(state, indices), np.tile(expected[indices], (2, 1)), atol=1e-12
    )


@pytest.mark.parametrize("seed", range(10))
def test_collapse_and_flip(seed: int) -> None:
    gates = random_gates(4, 10, seed)
    expected = final_state(gates, 4)
    state = state_after(4, gates)
    qubit = seed % 4
    weights = ENGINE.probabilities(state, (qubit,), {})[0]
    value = int(weights[1] > weights[0])
    kept = ENGINE.copy(state)
    ENGINE.collapse(state, {qubit: value}, float(weights[value]))
    projected = np.where((np.arange(16) >> qubit & 1) == value, expected, 0)
    projected /= np.linalg.norm(projected)
    np.testing.assert_allclose(ENGINE.amplitudes(state)[0], projected, atol=1e-12)
    ENGINE.flip(state, (qubit,))
    flipped = gate_matrix(Permutation(np.array([1, 0]), (qubit,)), 4) @ projected
    np.testing.assert_allclose(ENGINE.amplitudes(state)[0], flipped, atol=1e-12)
    np.testing.assert_allclose(ENGINE.amplitudes(kept)[0], expected, atol=1e-12)


def test_flip_stores_a_qubit() -> None:
    state = state_after(2, ())
    ENGINE.flip(state, (1,))
    np.testing.assert_array_equal(ENGINE.amplitudes(state), [[0, 0, 1, 0]])


@pytest.mark.parametrize("seed", range(10))
def test_expectation_agrees_with_qiskit(seed: int) -> None:
    generator = np.random.default_rng(seed)
    gates = random_gates(4, seed, seed)  # few gates leave qubits that are not stored
    labels = ["".join(generator.choice(list("IXYZ"), 4)) for _ in range(12)]
    state = state_after(4, gates, batch=2)
    vector = Statevector(final_state(gates, 4))
    expected = [vector.expectation_value(Pauli(label)).real for label in labels]
    np.testing.assert_allclose(
        ENGINE.expectation(state, labels), np.tile(expected, (2, 1)), atol=1e-12
    )


@pytest.mark.parametrize("label", ["XX", "XXXX", "ABC", "xyz"])
def test_a_bad_pauli_string_is_refused(label: str) -> None:
    with pytest.raises(ProgramError, match="expected 3 letters"):
        ENGINE.expectation(state_after(3, ()), [label])


def test_plans_for_others_are_refused() -> None:
    state = state_after(2, ())
    with pytest.raises(ProgramError, match="'gates', not 'dense'"):
        ENGINE.apply(state, Plan(Profile("dense"), Layout(), Layout()), Control())
    with pytest.raises(ProgramError, match="begins at layout"):
        ENGINE.apply(state, Plan(Profile("gates"), Layout((1,)), Layout((1,))), Control())


def test_control_is_checked_before_each_pass_and_told_after_it() -> None:
    class Watcher(Control):
        __slots__ = ("fractions",)

        def __init__(self) -> None:
            super().__init__()
            self.fractions: list[float] = []

        def report(self, fraction: float) -> None:
            self.fractions.append(fraction)
            if len(self.fractions) == 2:
                self.cancel()

    x = Permutation(np.array([1, 0]), (0,))
    state = ENGINE.allocate(1, Precision.DOUBLE, capacity=1)
    watcher = Watcher()
    with pytest.raises(Cancelled):
        ENGINE.apply(state, make_plan((x,) * 4, state.layout, Profile("gates")), watcher)
    assert watcher.fractions == [0.25, 0.5]


@pytest.mark.parametrize("precision", Precision)
def test_required_bytes_is_what_it_takes_at_most(precision: Precision) -> None:
    n = 14
    generator = np.random.default_rng(3)
    narrow = [Matrix(random_unitary(2, generator), (qubit,)) for qubit in range(n)]
    wide = Matrix(random_unitary(8, generator), (0, 7, 13))
    gates = (*narrow, wide)
    tracemalloc.start()
    try:
        state = state_after(n, gates, precision)
        ENGINE.probabilities(state, range(n), {})
        ENGINE.collapse(state, {0: 0}, 1.0)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    needed = ENGINE.required_bytes(n, precision)
    assert needed / 3 < peak < needed


def test_release_gives_the_amplitudes_back() -> None:
    state = state_after(3, random_gates(3, 5, 1))
    ENGINE.release(state)
    assert state.vectors.size == 0
