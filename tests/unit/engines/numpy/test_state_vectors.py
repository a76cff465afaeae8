"""States of many vectors: chosen, joined, and projected onto an outcome each."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.control import Control
from simquay.engines.base import Engine
from simquay.engines.numpy.engine import DenseEngine
from simquay.engines.reference import ReferenceEngine
from simquay.errors import ProgramError
from simquay.planning import make_plan
from simquay.program import Matrix, Precision
from tests.support.batch_states import check_many_vectors
from tests.support.tiled_engine import TiledEngine

ENGINES = [ReferenceEngine(), DenseEngine(), DenseEngine(threads=3), TiledEngine(tile=4, low=1)]
by_engine = pytest.mark.parametrize("engine", ENGINES, ids=["reference", "numpy", "three", "tiled"])


@by_engine
@pytest.mark.parametrize("precision", list(Precision), ids=lambda p: p.value)
@pytest.mark.parametrize("qubits", [1, 2, 5, 8])
def test_each_vector_is_what_it_is_alone(engine: Engine, qubits: int, precision: Precision) -> None:
    for seed in range(6):
        check_many_vectors(engine, qubits, precision, 100 * qubits + seed)


@pytest.mark.parametrize("qubits", [12, 13, 15])
def test_vectors_that_are_worked_on_one_by_one(qubits: int) -> None:
    check_many_vectors(DenseEngine(), qubits, Precision.DOUBLE, qubits)


def test_more_vectors_than_are_worked_on_at_once() -> None:
    # 5,000 vectors of 3 qubits: several groups in every loop, and the last one not full.
    engine = DenseEngine(threads=2)
    rng = np.random.default_rng(5)
    vectors = rng.normal(size=(5000, 8)) + 1j * rng.normal(size=(5000, 8))
    vectors /= np.linalg.norm(vectors, axis=1)[:, None]
    state = engine.allocate(3, Precision.DOUBLE, capacity=3, batch=5000)
    swap = Matrix(np.eye(8)[::-1].astype(complex), (0, 1, 2))  # stores all three
    engine.apply(
        state, make_plan([swap], state.layout, engine.profile(state.precision, 3)), Control()
    )
    assert sorted(state.layout.order) == [0, 1, 2]
    order = np.zeros(8, dtype=int)
    for place, qubit in enumerate(state.layout.order):
        order |= (np.arange(8) >> place & 1) << qubit
    state.vector[...] = vectors[:, order]
    np.testing.assert_array_equal(engine.amplitudes(state), vectors)

    unitary = np.linalg.qr(rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4)))[0]
    gate = Matrix(unitary, (0, 2))
    profile = engine.profile(state.precision, 3)
    engine.apply(state, make_plan([gate], state.layout, profile), Control())
    tensor = vectors.reshape(-1, 2, 2, 2)  # axes: qubits 2, 1, 0
    matrix = unitary.reshape(2, 2, 2, 2)  # out 2, out 0, in 2, in 0
    expected = np.einsum("acbd,nbyd->nayc", matrix, tensor).reshape(-1, 8)
    np.testing.assert_allclose(engine.amplitudes(state), expected, atol=1e-13)

    found = engine.probabilities(state, (1,), {})
    squares = np.abs(expected.reshape(-1, 2, 2, 2)) ** 2
    np.testing.assert_allclose(found, squares.sum(axis=(1, 3)), atol=1e-13)
    outcomes = rng.integers(0, 2, 5000)
    chosen = found[np.arange(5000), outcomes]
    engine.project(state, [1], outcomes, chosen, [1])
    left = expected.reshape(-1, 2, 2, 2)[np.arange(5000), :, outcomes]
    amplitudes = engine.amplitudes(state).reshape(-1, 2, 2, 2)
    np.testing.assert_allclose(amplitudes[:, :, 0], left / np.sqrt(chosen)[:, None, None])
    assert not amplitudes[:, :, 1].any()
    numbers = rng.permutation(5000)
    other = engine.select([(state, numbers.tolist())])
    np.testing.assert_array_equal(engine.amplitudes(other), engine.amplitudes(state)[numbers])


@pytest.mark.parametrize("precision", list(Precision), ids=lambda p: p.value)
def test_many_large_vectors_are_copied_and_read_side_by_side(precision: Precision) -> None:
    engine = DenseEngine(threads=3)
    rng = np.random.default_rng(6)
    state = engine.allocate(12, precision, capacity=13, batch=70)
    order = rng.permutation(12)
    state.grow(order.tolist())
    index = sum((np.arange(1 << 12) >> place & 1) << qubit for place, qubit in enumerate(order))
    vectors = (rng.normal(size=(70, 1 << 12)) + 1j * rng.normal(size=(70, 1 << 12))) / 91
    vectors = vectors.astype(precision.complex_dtype)
    state.vector[...] = vectors[:, index]
    squares = vectors.real.astype(float) ** 2 + vectors.imag.astype(float) ** 2
    found = engine.probabilities(state, range(12), {})
    np.testing.assert_allclose(found, squares, rtol=1e-14)
    found = engine.probabilities(state, order.tolist(), {})
    np.testing.assert_array_equal(found, engine.probabilities(state, range(12), {})[:, index])

    numbers = rng.permutation(70)
    chosen = engine.select([(state, numbers[:40].tolist()), (state, numbers[40:].tolist())])
    np.testing.assert_array_equal(engine.amplitudes(chosen), vectors[numbers])
    engine.overwritten(chosen, range(69, -1, -1), state, range(70))
    np.testing.assert_array_equal(engine.amplitudes(chosen), vectors[::-1])


@by_engine
def test_what_does_not_go_together_is_refused(engine: Engine) -> None:
    small = engine.allocate(2, Precision.DOUBLE, capacity=2)
    for other in (
        engine.allocate(2, Precision.SINGLE, capacity=2),
        engine.allocate(3, Precision.DOUBLE, capacity=3),
    ):
        with pytest.raises(ProgramError, match="different sizes"):
            engine.select([(small, [0]), (other, [0])])


def test_a_qubit_that_is_not_stored_is_not_projected() -> None:
    engine = DenseEngine()
    state = engine.allocate(2, Precision.DOUBLE, capacity=2, batch=2)
    with pytest.raises(ProgramError, match="qubit 1 is not stored"):
        engine.project(state, [1], np.zeros(2, dtype=np.int64), np.ones(2))
