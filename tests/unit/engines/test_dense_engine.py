"""The NumPy engine against a naive simulation: plans, reads, collapse, batches, precisions."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.control import Control
from simquay.engines.numpy.engine import DenseEngine
from simquay.engines.numpy.state import DenseState
from simquay.errors import Cancelled, ProgramError
from simquay.planning import Layout, Plan, make_plan
from simquay.program import Diagonal, Matrix, Permutation, Precision
from simquay.program.operations import GateOperation
from tests.support.gate_lists import apply_naively, random_gates, run_naively

TOLERANCE = {Precision.DOUBLE: 1e-12, Precision.SINGLE: 1e-5}
X = Permutation(np.array([1, 0]), (0,))


def evolve(
    gates: list[GateOperation],
    num_qubits: int,
    precision: Precision = Precision.DOUBLE,
    *,
    batch: int = 1,
    engine: DenseEngine | None = None,
) -> tuple[DenseEngine, DenseState]:
    engine = engine or DenseEngine()
    state = engine.allocate(num_qubits, precision, capacity=num_qubits, batch=batch)
    plan = make_plan(gates, state.layout, engine.profile(precision, num_qubits))
    engine.apply(state, plan, Control())
    assert state.layout == plan.final
    return engine, state


@pytest.mark.parametrize("precision", list(Precision))
@pytest.mark.parametrize("num_qubits", [1, 2, 3, 5, 8])
def test_random_gates_give_the_naive_state(num_qubits: int, precision: Precision) -> None:
    rng = np.random.default_rng(num_qubits)
    for _ in range(20):
        gates = random_gates(num_qubits, 25, rng)
        engine, state = evolve(gates, num_qubits, precision)
        expected = run_naively(gates, num_qubits)
        found = engine.amplitudes(state)
        assert found.dtype == precision.complex_dtype
        np.testing.assert_allclose(found[0], expected, atol=TOLERANCE[precision])
        indices = rng.integers(0, 1 << num_qubits, 9).astype(np.uint64)
        np.testing.assert_array_equal(engine.gather(state, indices), found[:, indices])


def test_a_state_of_no_qubits_is_a_factor() -> None:
    engine, state = evolve([Diagonal(np.array([1j]), ())], 0)
    np.testing.assert_allclose(engine.amplitudes(state), [[1j]])
    np.testing.assert_allclose(engine.probabilities(state, (), {}), [[1]])
    np.testing.assert_allclose(engine.expectation(state, [""]), [[1]])


def test_every_vector_of_a_batch_gets_the_plan() -> None:
    rng = np.random.default_rng(3)
    engine = DenseEngine()
    state = engine.allocate(4, Precision.DOUBLE, capacity=4, batch=3)
    first = random_gates(4, 10, rng, prepare=False)
    engine.apply(
        state, make_plan(first, state.layout, engine.profile(state.precision, 4)), Control()
    )
    # Different vectors: collapse is the same for all, so scale them by hand through the buffer.
    scale = np.array([1, 1j, -0.5])
    state.vector[...] *= scale[:, None]
    second = random_gates(4, 30, rng, prepare=False)
    engine.apply(
        state, make_plan(second, state.layout, engine.profile(state.precision, 4)), Control()
    )
    expected = run_naively([*first, *second], 4)
    np.testing.assert_allclose(engine.amplitudes(state), scale[:, None] * expected, atol=1e-12)
    np.testing.assert_allclose(
        engine.probabilities(state, (2, 0), {}).sum(axis=1), np.abs(scale) ** 2, atol=1e-12
    )


def naive_probabilities(
    vector: np.ndarray, qubits: tuple[int, ...], given: dict[int, int]
) -> np.ndarray:
    result = np.zeros(1 << len(qubits))
    for index, amplitude in enumerate(vector):
        if all(index >> q & 1 == value for q, value in given.items()):
            result[sum((index >> q & 1) << j for j, q in enumerate(qubits))] += abs(amplitude) ** 2
    return result


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


@pytest.mark.parametrize("precision", list(Precision))
def test_expectation_of_pauli_strings(precision: Precision) -> None:
    rng = np.random.default_rng(2)
    letters = {
        "I": np.eye(2),
        "X": np.array([[0, 1], [1, 0]]),
        "Y": np.array([[0, -1j], [1j, 0]]),
        "Z": np.diag([1, -1]),
    }
    for num_qubits in (1, 3, 6):
        gates = random_gates(num_qubits, 4 * num_qubits - 2, rng)
        engine, state = evolve(gates, num_qubits, precision)
        vector = run_naively(gates, num_qubits)
        labels = ["".join(rng.choice(list("IXYZ"), num_qubits)) for _ in range(12)]
        expected = []
        for label in labels:
            moved = vector
            for qubit, letter in enumerate(reversed(label)):
                moved = apply_naively(moved, Matrix(letters[letter].astype(complex), (qubit,)))
            expected.append(np.vdot(vector, moved).real)
        np.testing.assert_allclose(
            engine.expectation(state, labels), [expected], atol=TOLERANCE[precision]
        )


def test_a_wrong_pauli_string_is_named() -> None:
    engine, state = evolve([X], 2)
    with pytest.raises(ProgramError, match=r"'XQ'.*2 letters"):
        engine.expectation(state, ["XQ"])


def test_collapse_and_flip() -> None:
    rng = np.random.default_rng(8)
    for _ in range(30):
        num_qubits = int(rng.integers(1, 6))
        gates = random_gates(num_qubits, 12, rng)
        engine, state = evolve(gates, num_qubits)
        vector = run_naively(gates, num_qubits)
        chosen = [int(q) for q in rng.permutation(num_qubits)[: int(rng.integers(1, 4))]]
        index = int(np.argmax(np.abs(vector)))
        outcome = {q: index >> q & 1 for q in chosen}
        probability = naive_probabilities(vector, (), outcome)[0]
        engine.collapse(state, outcome, probability)
        for i in range(len(vector)):
            if any(i >> q & 1 != value for q, value in outcome.items()):
                vector[i] = 0
        vector /= np.sqrt(probability)
        np.testing.assert_allclose(engine.amplitudes(state)[0], vector, atol=1e-12)
        engine.flip(state, chosen)
        mask = sum(1 << q for q in chosen)
        np.testing.assert_allclose(
            engine.amplitudes(state)[0], vector[np.arange(len(vector)) ^ mask], atol=1e-12
        )


def test_a_copy_is_a_state_of_its_own() -> None:
    engine, state = evolve([X], 1)
    other = engine.copy(state)
    engine.flip(other, [0])
    np.testing.assert_allclose(engine.amplitudes(state), [[0, 1]])
    np.testing.assert_allclose(engine.amplitudes(other), [[1, 0]])
    engine.release(state)
    assert state.buffer.nbytes == 0
    np.testing.assert_allclose(engine.amplitudes(other), [[1, 0]])


def test_amplitudes_are_the_callers_own() -> None:
    engine, state = evolve([X, Permutation(np.array([1, 0]), (1,))], 2)
    engine.amplitudes(state)[...] = 7
    np.testing.assert_allclose(engine.amplitudes(state), [[0, 0, 0, 1]])


def test_a_plan_for_another_layout_is_refused() -> None:
    engine, state = evolve([X], 2)
    plan = Plan(engine.profile(Precision.DOUBLE, 2), Layout((1,)), Layout((1,)))
    with pytest.raises(ProgramError, match="layout"):
        engine.apply(state, plan, Control())


def test_cancelled_work_stops_and_progress_ends_at_one() -> None:
    rng = np.random.default_rng(1)
    gates = random_gates(6, 40, rng)
    engine = DenseEngine()
    state = engine.allocate(6, Precision.DOUBLE, capacity=6)
    plan = make_plan(gates, state.layout, engine.profile(Precision.DOUBLE, 6))
    control = Control()
    engine.apply(engine.copy(state), plan, control)
    assert control.fraction == 1
    control.cancel()
    with pytest.raises(Cancelled):
        engine.apply(state, plan, control)
