"""Reading dense states: probabilities, amplitudes."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.engines.numpy.engine import DenseEngine
from simquay.errors import ProgramError
from simquay.program import Permutation, Precision
from tests.support.gate_lists import random_gates, run_naively
from tests.support.numpy_states import TOLERANCE, evolve, naive_probabilities

X = Permutation(np.array([1, 0]), (0,))


@pytest.mark.parametrize("precision", list(Precision))
def test_probabilities_of_any_qubits_with_any_given(precision: Precision) -> None:
    rng = np.random.default_rng(11)
    for _ in range(60):
        num_qubits = int(rng.integers(1, 8))
        # Few gates: some qubits stay out of the vector.
        gates = random_gates(num_qubits, int(rng.integers(0, 8)), rng)
        engine, state = evolve(gates, num_qubits, precision)
        vector = run_naively(gates, num_qubits)
        order = [int(q) for q in rng.permutation(num_qubits)]
        qubits = tuple(order[: int(rng.integers(0, num_qubits + 1))])
        given = {q: int(rng.integers(0, 2)) for q in range(num_qubits) if rng.random() < 0.3}
        found = engine.probabilities(state, qubits, given)
        assert found.dtype == np.float64
        np.testing.assert_allclose(
            found, [naive_probabilities(vector, qubits, given)], atol=TOLERANCE[precision]
        )


@pytest.mark.parametrize("precision", list(Precision))
def test_many_blocks_at_once_are_those_one_by_one(precision: Precision) -> None:
    rng = np.random.default_rng(12)
    for _ in range(60):
        num_qubits = int(rng.integers(1, 9))
        # Few gates: some qubits stay out of the vector; and not all qubits are asked for.
        gates = random_gates(num_qubits, int(rng.integers(0, 10)), rng)
        engine, state = evolve(gates, num_qubits, precision)
        order = [int(q) for q in rng.permutation(num_qubits)]
        asked = int(rng.integers(0, num_qubits + 1))
        qubits, rest = order[:asked], order[asked:]
        fixed = rest[: int(rng.integers(0, len(rest) + 1))]
        values = rng.integers(0, 1 << len(fixed), 5)
        found = engine.block_probabilities(state, qubits, fixed, values)
        expected = [
            engine.probabilities(
                state, qubits, {q: int(value) >> j & 1 for j, q in enumerate(fixed)}
            )[0]
            for value in values
        ]
        np.testing.assert_allclose(found, expected, atol=1e-14)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_probabilities_of_a_wide_state(threads: int) -> None:
    engine = DenseEngine(threads=threads)
    rng = np.random.default_rng(5)
    state = engine.allocate(19, Precision.SINGLE, capacity=19)
    state.grow(rng.permutation(19).tolist())
    vector = rng.normal(size=1 << 19) + 1j * rng.normal(size=1 << 19)
    state.vector[0] = vector / np.linalg.norm(vector)
    weights = np.abs(engine.amplitudes(state)[0].astype(complex)) ** 2
    cube = weights.reshape((2,) * 19)
    for qubits, given in [((18,), {}), ((0, 17, 5), {3: 1, 16: 0}), ((4, 3, 2), {18: 1, 17: 0})]:
        found = engine.probabilities(state, qubits, given)
        chosen = cube[tuple(given.get(q, slice(None)) for q in reversed(range(19)))]
        left = [q for q in reversed(range(19)) if q not in given]
        moved = chosen.transpose(
            [left.index(q) for q in reversed(qubits)]
            + [i for i, q in enumerate(left) if q not in qubits]
        )
        np.testing.assert_allclose(
            found[0], moved.reshape(1 << len(qubits), -1).sum(axis=1), rtol=1e-9
        )


def test_amplitudes_are_the_callers_own() -> None:
    engine, state = evolve([X, Permutation(np.array([1, 0]), (1,))], 2)
    engine.amplitudes(state)[...] = 7
    np.testing.assert_allclose(engine.amplitudes(state), [[0, 0, 0, 1]])


def test_amplitudes_of_qubits_that_are_not_stored_are_0() -> None:
    engine, state = evolve([Permutation(np.array([1, 0]), (1,))], 3)
    assert state.layout.order == (1,)
    indices = np.arange(8, dtype=np.uint64)
    np.testing.assert_array_equal(engine.gather(state, indices), [[0, 0, 1, 0, 0, 0, 0, 0]])


def test_an_index_past_the_qubits_is_refused() -> None:
    engine, state = evolve([X], 2)
    with pytest.raises(ProgramError, match="index 4 is past 2 qubits"):
        engine.gather(state, np.array([0, 4], dtype=np.uint64))


def test_probabilities_of_a_repeated_qubit_are_refused() -> None:
    engine, state = evolve([X], 2)
    with pytest.raises(ProgramError, match="name each once"):
        engine.probabilities(state, (0, 0), {})
