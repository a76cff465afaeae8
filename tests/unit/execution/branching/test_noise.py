"""Noisy programs: samples against Qiskit's density matrices, and as one by one."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.control import Control
from simquay.engines.base import Engine
from simquay.engines.numpy.engine import DenseEngine
from simquay.engines.reference import ReferenceEngine
from simquay.errors import ManyStatesError
from simquay.execution.run import run_program
from simquay.execution.settings import Piece, RunContext
from simquay.program import (
    Channel,
    ForLoop,
    IfElse,
    Measure,
    Misread,
    Mixture,
    Program,
    Reset,
    Save,
)
from simquay.program.expressions import BitRef
from tests.support.branching import assert_as_one_by_one, on, saved
from tests.support.noisy_programs import (
    MIXTURES,
    PAULIS,
    damping,
    depolarizing,
    evolved,
    likelihood,
    measured,
    random_noisy,
)
from tests.support.small_gates import NoMemory, counts, cx, h, plenty, run, ry, x

METHOD = "trajectories"
LEAST = 1e-5
"""The probability of a false alarm of each chi-square test here."""


@pytest.mark.parametrize("kind", [*MIXTURES, None])
@pytest.mark.parametrize("seed", range(2))
def test_samples_have_the_distribution_of_the_density_matrix(kind: str | None, seed: int) -> None:
    rng = np.random.default_rng(100 * seed + 7)
    qubits = int(rng.integers(2, 5))
    operations = random_noisy(rng, qubits, 25, [kind] if kind else MIXTURES)
    outcome = run(measured(operations, qubits), shots=1000, seed=seed, method=METHOD)
    expected = evolved(operations, qubits).probabilities()
    assert likelihood(outcome["samples"][:, 0], expected) > LEAST


@pytest.mark.parametrize("engine", [ReferenceEngine(), DenseEngine()])
@pytest.mark.parametrize("seed", range(4))
def test_batches_change_no_sample(engine: Engine, seed: int) -> None:
    rng = np.random.default_rng(seed)
    program = measured(random_noisy(rng, 3, 30), 3)
    assert_as_one_by_one(engine, program, shots=100, seed=seed, method=METHOD)


@pytest.mark.parametrize("seed", range(3))
def test_engines_splits_and_replays_change_no_sample(seed: int) -> None:
    rng = np.random.default_rng(seed)
    program = measured(random_noisy(rng, 3, 30), 3)
    expected = run(program, shots=200, seed=seed, method=METHOD)["samples"]
    np.testing.assert_array_equal(
        run(program, DenseEngine(), shots=200, seed=seed, method=METHOD)["samples"], expected
    )
    replayed = on(ReferenceEngine(), program, 1, NoMemory(), shots=200, seed=seed, method=METHOD)
    assert replayed.metadata["replays"] > 0
    np.testing.assert_array_equal(replayed["samples"], expected)
    context = RunContext(shots=200, seed=seed, method=METHOD)
    parts = [
        run_program(
            program, DenseEngine(), context, Control(), Piece((0,), first, count), memory=plenty()
        )["samples"]
        for first, count in [(0, 1), (1, 149), (150, 50)]
    ]
    np.testing.assert_array_equal(np.concatenate(parts), expected)


def test_shots_without_errors_are_one_evolution() -> None:
    operations = [one for _ in range(50) for one in (h(0), Channel(depolarizing(1e-3), (0,)))]
    outcome = run(measured(operations, 1), shots=1000, seed=3, method=METHOD)
    assert 10 < outcome.metadata["branches"] < 70


def test_channels_in_bodies_and_between_measurements() -> None:
    # A qubit is flipped with probability 0.1 in each of 3 iterations, measured, and flipped back
    # where that says so; then it is damped.
    flip = Channel(Mixture(np.array([0.9, 0.1]), (PAULIS[0], PAULIS[1])), (0,))
    program = Program(
        2,
        2,
        (
            ForLoop(((flip,),) * 3),
            Measure(0, 0),
            IfElse(
                BitRef(0), (x(0), Channel(damping(0.25), (1,))), (x(1), Channel(damping(0.5), (1,)))
            ),
            cx(0, 1),
            Measure(1, 1),
        ),
    )
    shots = 20_000
    odd = 3 * 0.1 * 0.9**2 + 0.1**3
    found = counts(run(program, shots=shots, seed=11, method=METHOD))
    expected = {0b00: (1 - odd) / 2, 0b10: (1 - odd) / 2, 0b01: odd}
    assert found.keys() == expected.keys()
    for value, probability in expected.items():
        deviation = np.sqrt(shots * probability * (1 - probability))
        assert abs(found[value] - shots * probability) < 5 * deviation


def test_a_channel_between_two_measurements_and_a_reset_of_one_qubit() -> None:
    program = Program(
        1,
        2,
        (ry(0.4, 0), Measure(0, 0), Channel(damping(0.3), (0,)), Measure(0, 1), Reset(0), h(0)),
    )
    found = counts(run(program, shots=20_000, seed=2, method=METHOD))
    expected = {0b00: 0.6, 0b01: 0.4 * 0.3, 0b11: 0.4 * 0.7}
    assert found.keys() == expected.keys()
    for value, probability in expected.items():
        deviation = np.sqrt(20_000 * probability * (1 - probability))
        assert abs(found[value] - 20_000 * probability) < 5 * deviation


def test_one_state_is_refused_in_words_of_noise() -> None:
    program = Program(1, 0, (h(0), Channel(depolarizing(0.1), (0,))))
    with pytest.raises(ManyStatesError, match="the noise on qubit 0 splits its shots"):
        run(program, shots=10, statevector=True, method=METHOD)
    saving = Program(1, 0, (h(0), Channel(damping(0.1), (0,)), Save("a")))
    with pytest.raises(ManyStatesError, match="the noise on qubit 0"):
        run(saving, shots=10, method=METHOD)


READOUT = np.array([[0.9, 0.1], [0.3, 0.7]])


@pytest.mark.parametrize("engine", [ReferenceEngine(), DenseEngine()])
def test_bits_at_the_end_are_misread_by_their_table(engine: Engine) -> None:
    # Two bits together, then one of them again; the expected distribution is that of matrices.
    rng = np.random.default_rng(1)
    table = rng.dirichlet(np.ones(4), size=4)
    program = Program(
        2,
        2,
        (
            ry(0.3, 0),
            cx(0, 1),
            Measure(0, 1),
            Misread((1,), READOUT),
            ry(0.6, 1),
            Measure(1, 0),
            Misread((0, 1), table),
            Misread((1,), READOUT),
        ),
    )
    state = evolved([ry(0.3, 0), cx(0, 1), ry(0.6, 1)], 2).probabilities()
    once = np.kron(READOUT, np.eye(2))  # of bit 1
    expected = state.reshape(2, 2).T.ravel() @ once @ table @ once
    outcome = run(program, engine, shots=10_000, seed=4)
    assert likelihood(outcome["samples"][:, 0], expected) > LEAST
    exact = run(program, engine, shots=0, wanted={"probabilities": True})
    keys, weights = exact["probabilities"]
    np.testing.assert_array_equal(keys[:, 0], np.arange(4))
    np.testing.assert_allclose(weights, expected, atol=1e-12)


def test_misread_bits_in_the_middle_are_what_the_program_goes_by() -> None:
    program = Program(
        2,
        3,
        (
            ry(0.4, 0),
            Measure(0, 0),
            Misread((0,), READOUT),
            IfElse(BitRef(0), (x(1),)),
            Measure(1, 1),
            Misread((0,), READOUT),
            Measure(0, 2),
        ),
    )
    value = np.array([0.6, 0.4])
    expected = np.zeros(8)
    for qubit in range(2):
        for first in range(2):
            for last in range(2):
                outcome = last | first << 1 | qubit << 2
                expected[outcome] = value[qubit] * READOUT[qubit, first] * READOUT[first, last]
    found = run(program, shots=10_000, seed=9)
    assert likelihood(found["samples"][:, 0], expected) > LEAST
    for together in (1, 3):
        again = on(DenseEngine(), program, together, shots=10_000, seed=9)
        np.testing.assert_array_equal(again["samples"], found["samples"])
    exact = run(program, shots=0, wanted={"probabilities": True})
    keys, weights = exact["probabilities"]
    np.testing.assert_allclose(weights, expected[keys[:, 0]], atol=1e-12)


def test_a_bit_that_is_measured_again_is_not_misread_twice() -> None:
    never = np.array([[0.0, 1.0], [1.0, 0.0]])
    program = Program(1, 1, (Measure(0, 0), Misread((0,), never), x(0), Measure(0, 0)))
    assert counts(run(program, shots=10)) == {1: 10}


@pytest.mark.parametrize("seed", range(2))
def test_noise_and_misread_bits_together(seed: int) -> None:
    rng = np.random.default_rng(seed)
    operations = random_noisy(rng, 3, 25, ["pauli", "relaxation", "two-qubit pauli"])
    program = measured(operations, 3)
    misread = [Misread((bit,), READOUT) for bit in (2, 0, 1)]
    program = Program(3, 3, (*program.operations, *misread))
    state = evolved(operations, 3).probabilities()
    expected = state @ np.kron(READOUT, np.kron(READOUT, READOUT))
    for method in (METHOD, "density_matrix"):
        outcome = run(program, shots=2000, seed=seed, method=method)
        assert likelihood(outcome["samples"][:, 0], expected) > LEAST
    assert_as_one_by_one(DenseEngine(), program, shots=200, seed=seed, method=METHOD)


def test_saves_are_means_over_shots_or_those_of_each() -> None:
    # Each entry of the mean of 10,000 density matrices is within 5 / 100 of the exact one.
    operations = [h(0), Channel(depolarizing(0.2), (0,)), cx(0, 1), Channel(damping(0.3), (1,))]
    saves = [
        Save("mean", "density_matrix", "average", qubits=(0, 1)),
        Save("each", "probabilities", "list", qubits=(1,)),
    ]
    outcome = run(Program(2, 0, (*operations, *saves)), shots=10_000, method=METHOD)
    state = evolved(operations, 2)
    np.testing.assert_allclose(saved(outcome, "mean"), state.data, atol=0.05)
    each = np.array(saved(outcome, "each"))
    assert each.shape == (10_000, 2)
    np.testing.assert_allclose(each.mean(axis=0), state.probabilities([1]), atol=0.05)
    assert outcome.metadata["trajectories"] == outcome.metadata["branches"]
    assert outcome.metadata["method"] == METHOD


def test_the_work_is_counted_in_evolutions_of_the_circuit() -> None:
    # An error in the first half of the gates: half of the work is shared, and half is not.
    channel = Channel(Mixture(np.array([0.5, 0.5]), (PAULIS[0], PAULIS[1])), (0,))
    gates = [h(0)] * 10
    program = Program(1, 1, (*gates, Reset(0), channel, *gates, Measure(0, 0)))
    outcome = run(program, shots=1000, method=METHOD)
    assert outcome.metadata["trajectories"] == 2
    assert outcome.metadata["evolutions"] == 1.5
