"""One gate at a time on a dense state, against index arithmetic on the whole vector."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.engines.numpy import gates
from simquay.engines.numpy.gates import apply_gate, apply_gates
from simquay.engines.numpy.state import DenseState
from simquay.planning import Layout
from simquay.program import Diagonal, Matrix, Permutation, Precision, Relabel
from simquay.program.gates import GateOperation
from tests.support.gate_lists import (
    apply_naively,
    random_gates,
    random_unitary,
    run_naively,
)


def a_state(num_qubits: int, rng: np.random.Generator) -> tuple[DenseState, np.ndarray]:
    """A random state that stores its qubits in a random order, and its vector in qubit order."""
    order = rng.permutation(num_qubits).tolist()
    stored = rng.normal(size=(1, 1 << num_qubits)) + 1j * rng.normal(size=(1, 1 << num_qubits))
    state = DenseState(num_qubits, num_qubits, Precision.DOUBLE, Layout(tuple(order)), stored)
    return state, in_qubit_order(state)


def in_qubit_order(state: DenseState) -> np.ndarray:
    vector = np.empty(1 << state.num_qubits, dtype=complex)
    for storage, amplitude in enumerate(state.vector[0]):
        index = sum((storage >> bit & 1) << qubit for bit, qubit in enumerate(state.layout.order))
        vector[index] = amplitude
    return vector


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("slab", [64, gates.SLAB_BYTES], ids=["in slabs", "at once"])
def test_any_gate_on_any_layout(seed: int, slab: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "SLAB_BYTES", slab)
    rng = np.random.default_rng(seed)
    state, expected = a_state(6, rng)
    for gate in random_gates(6, 12, rng, widest=4, prepare=False):
        apply_gate(state, gate)
        expected = apply_naively(expected, gate)
    np.testing.assert_allclose(in_qubit_order(state), expected, atol=1e-12)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("batch", [1, 3])
def test_gates_in_order_on_one_vector_or_several(seed: int, batch: int) -> None:
    rng = np.random.default_rng(seed)
    gate_list = random_gates(5, 30, rng)  # they begin at |0>, as preparations must
    order = tuple(rng.permutation(5).tolist())
    buffer = np.zeros((batch, 32), dtype=np.complex64)
    buffer[:, 0] = 1
    state = DenseState(5, 5, Precision.SINGLE, Layout(order), buffer)
    apply_gates(state, gate_list)
    expected = run_naively(gate_list, 5)
    np.testing.assert_allclose(in_qubit_order(state), expected, atol=1e-5)
    np.testing.assert_allclose(state.vector, np.tile(state.vector[0], (batch, 1)), atol=1e-6)


@pytest.mark.parametrize("control_state", range(4))
def test_controls_on_either_value(control_state: int) -> None:
    rng = np.random.default_rng(control_state)
    gate: GateOperation
    for gate in (
        Matrix(random_unitary(4, rng), (3, 0), (1, 4), control_state),
        Permutation(np.array([2, 0, 3, 1]), (4, 2), (0, 1), control_state),
    ):
        state, vector = a_state(5, rng)
        apply_gate(state, gate)
        np.testing.assert_allclose(in_qubit_order(state), apply_naively(vector, gate), atol=1e-12)


def test_a_relabel_moves_no_amplitude() -> None:
    state, vector = a_state(3, np.random.default_rng(0))
    before = state.vector.copy()
    relabel = Relabel((0, 1, 2), (1, 2, 0))
    apply_gate(state, relabel)
    np.testing.assert_array_equal(state.vector, before)
    np.testing.assert_array_equal(in_qubit_order(state), apply_naively(vector, relabel))


def test_a_gate_stores_its_targets() -> None:
    buffer = np.array([[1, np.nan, np.nan, np.nan]], dtype=complex)  # one amplitude so far
    state = DenseState(5, 2, Precision.DOUBLE, Layout(), buffer)
    apply_gate(state, Matrix(np.eye(4)[::-1].astype(complex), (4, 2)))
    assert state.layout == Layout((4, 2))
    np.testing.assert_array_equal(state.vector, [[0, 0, 0, 1]])


def test_numbers_of_other_types() -> None:
    # A program that is made by hand may hold any integers, and real or single-precision numbers.
    typed: list[GateOperation] = [
        Matrix(np.array([[0.6, 0.8], [0.8, -0.6]], dtype=np.float32), (0,)),
        Matrix(np.array([[0, 1], [1, 0]]), (2,)),
        Permutation(np.array([1, 0], dtype=np.int32), (1,), (0,), 1),
        Diagonal(np.array([1, -1], dtype=np.int8), (1,)),
        Permutation(np.array([0, 2, 3, 1], dtype=np.uint16), (2, 0)),
    ]
    state = DenseState(3, 3, Precision.DOUBLE, Layout((0, 1, 2)), np.eye(1, 8, dtype=complex))
    apply_gates(state, typed)
    np.testing.assert_allclose(state.vector[0], run_naively(typed, 3), atol=1e-7)
