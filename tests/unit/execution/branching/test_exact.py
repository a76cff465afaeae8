"""Results of dynamic circuits without samples: exact over every path, or over trajectories."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from simquay.control import Control
from simquay.engines.base import Engine
from simquay.engines.numpy.engine import DenseEngine
from simquay.engines.reference import ReferenceEngine
from simquay.errors import ManyStatesError
from simquay.execution.branching import exact
from simquay.execution.memory import Ledger
from simquay.execution.observables.values import Estimates
from simquay.execution.run import run_program
from simquay.execution.settings import Outcome, RunContext
from simquay.program import IfElse, Measure, Operation, Precision, Program, Reset, WhileLoop
from simquay.program.expressions import BitRef, Unary
from tests.support.branching import layers
from tests.support.counting_engine import CountingEngine
from tests.support.dense import TooManyPaths, every_path
from tests.support.observables import matrix_of, observable, random_observable
from tests.support.progress import ProgressWatcher
from tests.support.random_programs import dynamic_programs, random_dynamic_program
from tests.support.small_gates import BOOL, NoMemory, cx, h, plenty, ry, x

ENGINES: list[Engine] = [ReferenceEngine(), DenseEngine()]
NAMES = [engine.name for engine in ENGINES]


def run_exactly(
    program: Program, some: Any, engine: Engine | None = None, memory: Any = None, **fields: Any
) -> Outcome:
    """A run that asks for the values of the observables ``some``, and for probabilities."""
    error = fields.pop("error", 1e-2)
    estimates = Estimates(tuple(some), (tuple(range(len(some))),), error)
    wanted = {"expectation": estimates, "probabilities": True}
    context = RunContext(shots=0, wanted=wanted, **fields)
    engine = engine or ReferenceEngine()
    return run_program(program, engine, context, Control(), memory=memory or plenty())


def distribution(outcome: Outcome) -> dict[int, float]:
    words, weights = outcome["probabilities"]
    values = [sum(word << 64 * place for place, word in enumerate(row)) for row in words.tolist()]
    assert len(set(values)) == len(values)
    return dict(zip(values, weights.tolist(), strict=True))


def over_paths(program: Program, some: Any) -> tuple[Any, dict[int, float]]:
    """The means and the distribution over every path.

    Raises:
        TooManyPaths: if there are more than a few.
    """
    means, probabilities = np.zeros(len(some)), dict[int, float]()
    matrices = [matrix_of(one) for one in some]
    for weight, vector, bits in every_path(program, 100):
        means += [weight * np.vdot(vector, matrix @ vector).real for matrix in matrices]
        probabilities[bits] = probabilities.get(bits, 0.0) + weight
    return means, probabilities


def check(outcome: Outcome, means: Any, probabilities: dict[int, float]) -> None:
    np.testing.assert_allclose(outcome["expectation"], [means, 0 * means], atol=1e-12)
    found = distribution(outcome)
    for bits in {*found, *probabilities}:
        assert found.get(bits, 0) == pytest.approx(probabilities.get(bits, 0), abs=1e-12)


@pytest.mark.parametrize("engine", ENGINES, ids=NAMES)
@pytest.mark.parametrize("seed", range(40))
def test_the_mean_is_that_over_every_path(engine: Engine, seed: int) -> None:
    generator = np.random.default_rng(seed)
    num_qubits, num_clbits = 1 + seed % 4, (1, 4, 70)[seed % 3]
    some = [random_observable(num_qubits, terms, generator) for terms in (1, 5)]
    for count in range(18, 0, -2):  # the longest that has few paths
        program = random_dynamic_program(num_qubits, count, seed, num_clbits=num_clbits)
        with contextlib.suppress(TooManyPaths):
            expected = over_paths(program, some)
            break
    each: list[dict[str, Any]] = [{"branches_together": 1}, {"branches_together": 3}]
    for fields in ({}, *each, {"memory": NoMemory()}):
        check(run_exactly(program, some, engine, **fields), *expected)


@given(dynamic_programs(max_qubits=3), st.integers(0, 2**16))
@settings(deadline=None, max_examples=40)
def test_any_program_has_the_mean_over_every_path(program: Program, seed: int) -> None:
    some = [random_observable(program.num_qubits, 4, np.random.default_rng(seed))]
    try:
        expected = over_paths(program, some)
    except TooManyPaths:
        assume(False)
    check(run_exactly(program, some, DenseEngine()), *expected)


def test_there_are_no_samples_and_no_draws() -> None:
    program = Program(2, 2, (h(0), Measure(0, 0), IfElse(BitRef(0), (x(1),)), Measure(1, 1)))
    some = [observable(2, {"ZZ": 1.0}), observable(2, {"IZ": 1.0})]
    outcomes = [run_exactly(program, some, seed=seed) for seed in range(3)]
    for one in outcomes:
        assert one.results.keys() == {"expectation", "probabilities"}
        np.testing.assert_allclose(one["expectation"], [[1, 0], [0, 0]], atol=1e-15)
        assert distribution(one) == pytest.approx({0: 0.5, 3: 0.5})
        assert one.metadata["branches"] == 2
        assert one.metadata["dropped_probability"] == 0.0
        assert "measure_sampling" not in one.metadata
    straight = run_exactly(Program(2, 2, (h(0), cx(0, 1), Measure(0, 1))), some)
    assert straight.results.keys() == {"expectation", "probabilities"}
    assert distribution(straight) == pytest.approx({0: 0.5, 2: 0.5})
    assert "measure_sampling" not in straight.metadata


def test_a_loop_that_seldom_goes_on_ends() -> None:
    """Until the qubit is found 0, with a turn of the other qubit in each round."""
    again = WhileLoop(BitRef(0), (h(0), Measure(0, 0), ry(0.25, 1)))
    program = Program(2, 1, (x(0), Measure(0, 0), again))
    outcome = run_exactly(program, [observable(2, {"ZI": 1.0})])
    # Round k leaves the loop with probability 2**-k; ry(0.25) turns by pi/3.
    expected = sum(0.5**k * np.cos(k * np.pi / 3) for k in range(1, 100))
    assert outcome["expectation"][0, 0] == pytest.approx(expected, abs=1e-12)
    assert 0 < outcome.metadata["dropped_probability"] < 2e-14
    assert distribution(outcome) == pytest.approx({0: 1.0})


def many_branches(rounds: int) -> Program:
    """A qubit that is turned and measured again and again; the mean of Z is ``0.5**rounds``."""
    operations: list[Operation] = []
    for _ in range(rounds):
        operations += [ry(0.25, 0), Measure(0, 0), h(1), cx(0, 1), Measure(1, 1), Reset(1)]
    return Program(2, 2, tuple(operations))


def test_too_many_branches_are_trajectories_with_an_honest_error() -> None:
    program = many_branches(9)
    some = [observable(2, {"IZ": 3.0}), observable(2, {"ZI": 1.0})]
    outcome = run_exactly(program, some, DenseEngine(), seed=5)
    assert outcome.metadata["trajectories"] == 10_000
    assert "dropped_probability" not in outcome.metadata
    assert outcome.results.keys() == {"expectation", "probabilities"}
    (mean, certain), (error, none) = outcome["expectation"]
    assert (certain, none) == (pytest.approx(1), pytest.approx(0, abs=1e-9))
    # The last turn is not measured on the way: a trajectory has the mean 3 * 0.5 or -3 * 0.5.
    assert error == pytest.approx(1.5 / np.sqrt(10**4), rel=0.01)
    assert abs(mean - 3 * 0.5**9) < 5 * error
    again = run_exactly(program, some, DenseEngine(), seed=5, branches_together=2000)
    np.testing.assert_allclose(again["expectation"], outcome["expectation"], atol=1e-12)
    fewer = run_exactly(program, some, DenseEngine(), error=0.1)
    assert fewer.metadata["trajectories"] == 100
    assert abs(sum(distribution(fewer).values()) - 1) < 1e-12


def test_as_many_branches_as_allowed_are_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    program, some = many_branches(3), [observable(2, {"IZ": 1.0})]
    outcome = run_exactly(program, some)
    assert outcome.metadata["branches"] == 16  # the last round is measured at the end
    monkeypatch.setattr(exact, "MOST_BRANCHES", 16)
    assert "trajectories" not in run_exactly(program, some).metadata
    monkeypatch.setattr(exact, "MOST_BRANCHES", 15)
    assert run_exactly(program, some).metadata["trajectories"] == 10_000


def test_many_qubits_measured_at_once() -> None:
    engine, count = DenseEngine(), 18
    ghz = (h(0), *(cx(0, qubit) for qubit in range(1, count)))
    measured = tuple(Measure(qubit, qubit) for qubit in range(count))
    rest = (h(0), h(1), IfElse(BitRef(5), (x(7),)))
    program = Program(count, count, (*ghz, *measured, *rest))
    some = [observable(count, {"I" * (count - 8) + "Z" + "I" * 7: 1.0})]
    outcome = run_exactly(program, some, engine)
    assert outcome.metadata["branches"] == 2
    assert outcome["expectation"][0, 0] == pytest.approx(1.0)
    assert distribution(outcome) == pytest.approx({0: 0.5, (1 << count) - 1: 0.5})
    turned = tuple(map(h, range(count)))
    spread = Program(count, count, (*turned, *measured, *turned))
    context = RunContext(shots=0, wanted={"expectation": Estimates(tuple(some), ((0,),), 0.5)})
    assert run_program(spread, engine, context, Control()).metadata["trajectories"] == 4


def test_branches_stay_within_their_room() -> None:
    program = Program(3, 9, tuple(layers(3, 9, 0.1)))
    some = [observable(3, {"ZXZ": 1.0, "YYI": 0.5})]
    expected = run_exactly(program, some)
    assert expected.metadata["branches"] == 512
    for room in (1, 3, 10, 300):
        engine = CountingEngine()
        outcome = run_exactly(program, some, engine, branches_together=room)
        assert outcome.metadata["branches"] == 512
        # As in test_schedule.py: the room, twice, the first state, and those of open splits.
        assert engine.most_vectors <= 2 * room + 1 + 9
        assert engine.alive == 0
        np.testing.assert_allclose(outcome["expectation"], expected["expectation"], atol=1e-13)


@pytest.mark.parametrize("precision", list(Precision))
def test_an_impossible_outcome_is_no_branch(precision: Precision) -> None:
    around = tuple(one for qubit in (0, 1) for one in (h(qubit), h(qubit))) * 5
    program = Program(2, 2, (*around, Measure(0, 0), h(1), h(1), IfElse(BitRef(0), (x(1),))))
    for engine in ENGINES:
        outcome = run_exactly(program, [observable(2, {"ZZ": 1.0})], engine, precision=precision)
        assert outcome.metadata["branches"] == 1
        assert distribution(outcome) == pytest.approx({0: 1.0})


def test_one_state_is_refused_where_branches_have_several() -> None:
    program = Program(1, 1, (h(0), Measure(0, 0), h(0), IfElse(BitRef(0), (x(0),))))
    wanted = {"statevector": True, "probabilities": True}
    with pytest.raises(ManyStatesError, match="mid-circuit measurement"):
        run_program(program, ReferenceEngine(), RunContext(shots=0, wanted=wanted), Control())
    certain = Program(1, 1, (x(0), Measure(0, 0), x(0), IfElse(BitRef(0), (x(0),))))
    context = RunContext(shots=0, wanted=wanted)
    outcome = run_program(certain, ReferenceEngine(), context, Control())
    np.testing.assert_allclose(outcome["statevector"], [0, 1])
    assert distribution(outcome) == {1: 1.0}


def test_means_of_a_run_with_shots_are_over_its_shots() -> None:
    program = Program(2, 1, (ry(0.3, 0), Measure(0, 0), ry(0.5, 1), IfElse(BitRef(0), (x(1),))))
    some = (observable(2, {"IZ": 1.0}),)
    context = RunContext(shots=500, seed=3, wanted={"expectation": Estimates(some, ((0,),))})
    outcome = run_program(program, DenseEngine(), context, Control())
    ones = int((outcome["samples"][:, 0] & 1).sum())
    mean = 1 - 2 * ones / 500
    error = np.sqrt((1 - mean**2) / 499)
    np.testing.assert_allclose(outcome["expectation"], [[mean], [error]], rtol=1e-9)
    assert outcome.metadata["measure_sampling"] is False


def test_progress_rises_and_memory_is_given_back() -> None:
    ledger = Ledger("a test", lambda: 1 << 40)
    engine, watcher = CountingEngine(), ProgressWatcher()
    program = many_branches(4)
    context = RunContext(shots=0, wanted={"probabilities": True})
    run_program(program, engine, context, watcher, memory=ledger)
    assert (ledger.reserved, engine.alive) == (0, 0)
    assert watcher.seen == sorted(watcher.seen)
    assert watcher.seen[-1] == 1.0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exact, "MOST_BRANCHES", 20)
        run_program(program, engine, context, Control(), memory=ledger)
    assert (ledger.reserved, engine.alive) == (0, 0)


def test_a_condition_on_a_measured_bit_is_followed_both_ways() -> None:
    """Teleportation: the exact state arrives in every branch."""
    fix = (IfElse(BitRef(1), (x(2),)), IfElse(Unary("!", BitRef(0), BOOL), (), (h(2), x(2), h(2))))
    program = Program(
        3,
        2,
        (ry(0.2, 0), h(1), cx(1, 2), cx(0, 1), h(0), Measure(0, 0), Measure(1, 1), *fix),
    )
    some = [observable(3, {"ZII": 1.0}), observable(3, {"XII": 1.0}), observable(3, {"1II": 1.0})]
    outcome = run_exactly(program, some)
    np.testing.assert_allclose(outcome["expectation"][0], [0.6, 0.8, 0.2], atol=1e-14)
    assert outcome.metadata["branches"] == 4
