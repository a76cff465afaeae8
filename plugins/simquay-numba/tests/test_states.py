"""Reading and projecting states, against the reference engine and the NumPy engine."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from stored_vectors import TINY, TOLERANCE, random_vectors

from simquay.engine_api import DenseEngine, Layout, Precision, ReferenceEngine
from simquay.testing.engines import apply_gates, random_gates
from simquay_numba.engine import NumbaEngine

BOTH = pytest.mark.parametrize("precision", list(Precision))


USUAL = NumbaEngine()


@BOTH
def test_reads_and_collapse_after_a_tiled_plan(precision: Precision) -> None:
    gates = random_gates(14, 80, 2)
    tolerance = TOLERANCE[precision]
    states = []
    engines: list[Any] = [USUAL, ReferenceEngine()]
    for engine in engines:
        state = engine.allocate(14, precision, capacity=14)
        apply_gates(engine, state, gates)
        states.append((engine, state))
    (numba, mine), (reference, other) = states
    for qubits, given_ in (
        ((0, 5, 13), {}),
        ((2,), {3: 1, 9: 0}),
        (tuple(range(14)), {}),
        ((), {1: 1}),
    ):
        np.testing.assert_allclose(
            numba.probabilities(mine, qubits, given_),
            reference.probabilities(other, qubits, given_),
            atol=tolerance,
        )
    paulis = ["XYZI" + "I" * 10, "Z" * 14, "I" * 14, "I" * 10 + "YXZX"]
    np.testing.assert_allclose(
        numba.expectation(mine, paulis), reference.expectation(other, paulis), atol=tolerance
    )
    probability = float(numba.probabilities(mine, (), {4: 1, 11: 0})[0, 0])
    for engine, state in states:
        engine.collapse(state, {4: 1, 11: 0}, probability)
        engine.flip(state, [4, 2])
    np.testing.assert_allclose(numba.amplitudes(mine), reference.amplitudes(other), atol=tolerance)


@BOTH
@pytest.mark.parametrize("num_qubits", [10, 18])
def test_reads_of_batches_in_any_storage_order(precision: Precision, num_qubits: int) -> None:
    rng = np.random.default_rng(num_qubits)
    dense = DenseEngine(threads=2)
    stored = rng.permutation(num_qubits)[: num_qubits - 1].tolist()
    vectors = random_vectors(rng, 2, len(stored)).astype(precision.complex_dtype)
    states = []
    for engine in (TINY, USUAL, dense):
        state = engine.allocate(num_qubits, precision, capacity=num_qubits, batch=2)
        state.layout = Layout(tuple(stored))
        state.vector[...] = vectors
        states.append((engine, engine.copy(state)))
        engine.release(state)
    tolerance = 1e-12 if precision is Precision.DOUBLE else 1e-6
    asked = rng.permutation(num_qubits).tolist()
    for count in (0, 1, 3, 9):
        given_ = dict.fromkeys(asked[count : count + 2], 0)
        want = dense.probabilities(states[2][1], asked[:count], given_)
        for engine, state in states[:2]:
            found = engine.probabilities(state, asked[:count], given_)
            np.testing.assert_allclose(found, want, atol=tolerance)
    paulis = ["".join(rng.choice(list("IXYZ"), num_qubits)) for _ in range(3)]
    paulis.append("".join("Z" if qubit in stored else "I" for qubit in reversed(range(num_qubits))))
    for engine, state in states[:2]:
        np.testing.assert_allclose(
            engine.expectation(state, paulis),
            dense.expectation(states[2][1], paulis),
            atol=tolerance,
        )
    outcome = {stored[0]: 1, stored[3]: 0}
    for engine, state in states:
        engine.collapse(state, outcome, 0.25)
        engine.flip(state, [stored[0], stored[5]])
    for engine, state in states[:2]:
        np.testing.assert_allclose(
            engine.amplitudes(state), dense.amplitudes(states[2][1]), atol=tolerance
        )
