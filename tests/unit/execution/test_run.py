"""Programs of gates and measurements at the end."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simquay.control import Control
from simquay.engines.numpy.engine import DenseEngine
from simquay.engines.reference import ReferenceEngine, ReferenceState
from simquay.errors import Cancelled
from simquay.execution.branching import compiler
from simquay.execution.run import run_program
from simquay.execution.sampling.randomness import Randomness
from simquay.execution.settings import RunContext
from simquay.planning import Plan
from simquay.program import (
    Diagonal,
    GateOperation,
    Measure,
    Operation,
    Permutation,
    Precision,
    Program,
    Relabel,
)
from tests.support.counting_engine import CountingEngine
from tests.support.dense import final_state
from tests.support.random_programs import gate_lists, random_gates, random_unitary_program
from tests.support.small_gates import NOT, cx, h, part_of_job, x
from tests.support.small_gates import run_operations as run
from tests.support.small_gates import shot_values as values

ENGINE = ReferenceEngine()


def test_bell() -> None:
    program = (h(0), cx(0, 1), Measure(0, 0), Measure(1, 1))
    outcome = run(program, 2, 2, shots=1000, seed=7)
    draws = Randomness(7, 0).consecutive(0, 0, 1000)
    assert values(outcome) == [3 if u >= 0.5 else 0 for u in draws]
    assert outcome["samples"].shape == (1000, 1)
    assert outcome["samples"].dtype == np.uint64
    assert outcome.results.keys() == {"samples"}
    assert outcome.metadata["measure_sampling"] is True
    assert outcome.metadata["branches"] == 1
    assert outcome.metadata["passes"] == 2
    assert outcome.metadata["stored_qubits"] == 2
    assert outcome.metadata["strategy"] == "gates"
    assert outcome.metadata["planning_time"] >= 0
    assert outcome.metadata["execution_time"] > 0


@pytest.mark.parametrize("seed", range(10))
def test_samples_are_those_of_the_distribution(seed: int) -> None:
    # Outcome integers are over the measured qubits in increasing order, wherever they go to.
    n = 5
    generator = np.random.default_rng(seed)
    gates = random_gates(n, 15, seed)
    measured = sorted(int(q) for q in generator.choice(n, 3, replace=False))
    clbits = [int(c) for c in generator.choice(130, 3, replace=False)]
    pairs = list(zip(measured, clbits, strict=True))
    generator.shuffle(pairs)
    measures = tuple(Measure(q, c) for q, c in pairs)
    outcome = run((*gates, *measures), n, 130, shots=400, seed=seed, circuit=3, first_shot=9)
    assert outcome["samples"].shape == (400, 3)
    weights = np.abs(final_state(gates, n)) ** 2
    marginal = np.zeros(8)
    for index, weight in enumerate(weights):
        marginal[sum((index >> q & 1) << j for j, q in enumerate(measured))] += weight
    draws = Randomness(seed, 3).consecutive(0, 9, 400)
    outcomes = np.searchsorted(np.cumsum(marginal), draws, side="right")
    place = dict(pairs)
    expected = [
        sum((int(o) >> j & 1) << place[q] for j, q in enumerate(measured)) for o in outcomes
    ]
    assert values(outcome) == expected


def test_more_than_64_measured_qubits_that_are_mostly_untouched() -> None:
    measures = [Measure(q, 99 - q) for q in range(100)]
    program: tuple[Operation, ...] = (x(65), h(3), *measures)
    outcome = run(program, 100, 100, shots=50)
    assert outcome.metadata["stored_qubits"] == 2
    assert set(values(outcome)) == {1 << 34, 1 << 34 | 1 << 96}


def test_a_control_on_an_untouched_qubit() -> None:
    program = (cx(5, 0), Permutation(NOT, (1,), (5,), 0), Measure(0, 0), Measure(1, 1))
    assert set(values(run(program, 6, 2, shots=5))) == {2}


def test_without_qubits_clbits_or_measurements() -> None:
    phase = Diagonal(np.array([1j]), ())
    empty = run((phase,), 0, 0, shots=3, statevector=True)
    assert values(empty) == [0, 0, 0]
    assert empty["samples"].shape == (3, 1)
    np.testing.assert_array_equal(empty["statevector"], [1j])
    assert values(run((h(0),), 1, 2, shots=2)) == [0, 0]


@settings(max_examples=60, deadline=None)
@given(program=gate_lists(max_qubits=5), precision=st.sampled_from(Precision))
def test_statevector(program: tuple[int, tuple[GateOperation, ...]], precision: Precision) -> None:
    num_qubits, gates = program
    settings = RunContext(shots=1, wanted={"statevector": True}, precision=precision)
    outcome = run_program(Program(num_qubits, 0, gates), ENGINE, settings, Control())
    assert outcome["statevector"].dtype == precision.complex_dtype
    tolerance = 1e-12 if precision is Precision.DOUBLE else 1e-5
    expected = final_state(gates, num_qubits)
    np.testing.assert_allclose(outcome["statevector"], expected, atol=tolerance)


def test_the_statevector_is_that_before_the_last_measurements() -> None:
    outcome = run((h(0), Measure(0, 0), h(1)), 2, 1, shots=64, statevector=True)
    np.testing.assert_allclose(outcome["statevector"], [0.5] * 4)
    assert set(values(outcome)) == {0, 1}


@pytest.mark.parametrize("split", [1, 300, 999])
def test_shots_may_be_split(split: int) -> None:
    program = random_unitary_program(4, 20, 5, measure=True)

    def samples(first: int, count: int) -> list[int]:
        context, piece = part_of_job(shots=count, first_shot=first, seed=1, circuit=2)
        return values(run_program(program, ENGINE, context, Control(), piece))

    assert samples(0, split) + samples(split, 1000 - split) == samples(0, 1000)


def test_seed_and_circuit_matter() -> None:
    program = (h(0), h(1), Measure(0, 0), Measure(1, 1))
    results = {
        tuple(values(run(program, 2, 2, shots=60, seed=seed, circuit=circuit)))
        for seed, circuit in itertools.product((0, 1, 2**80), (0, 1))
    }
    assert len(results) == 6


def test_a_million_shots() -> None:
    program = (h(0), cx(0, 1), Measure(0, 0), Measure(1, 1))
    outcome = run(program, 2, 2, shots=1_000_000)
    ones = int((outcome["samples"] == 3).sum())
    assert ones + int((outcome["samples"] == 0).sum()) == 1_000_000
    assert abs(ones - 500_000) < 2700  # 5.4 standard deviations: 7e-8


def test_progress_never_falls_and_ends_at_one() -> None:
    class Watcher(Control):
        __slots__ = ()
        seen: list[float] = []  # noqa: RUF012  # one test, one list

        def report(self, fraction: float) -> None:
            super().report(fraction)
            self.seen.append(self.fraction)

        def section(self, low: float, high: float) -> Control:
            part = super().section(low, high)
            part.__class__ = Watcher
            return part

    watcher = Watcher()
    run_program(random_unitary_program(5, 30, 1, measure=True), ENGINE, RunContext(), watcher)
    assert len(watcher.seen) > 25
    assert watcher.seen == sorted(watcher.seen)
    assert watcher.seen[-1] == 1
    assert max(watcher.seen[:-1]) < 1


def test_cancelled_before_and_during() -> None:
    engine = CountingEngine()
    program = random_unitary_program(5, 30, 1, measure=True)
    control = Control()
    control.cancel()
    with pytest.raises(Cancelled):
        run_program(program, engine, RunContext(), control)
    assert engine.allocated == 0

    class Stops(Control):
        __slots__ = ()

        def section(self, low: float, high: float) -> Control:
            self.cancel()
            return super().section(low, high)

    with pytest.raises(Cancelled):
        run_program(program, engine, RunContext(), Stops())
    assert engine.allocated == 1
    assert engine.alive == 0


def test_relabels_alone() -> None:
    swap = Relabel((0, 1), (1, 0))
    assert set(values(run((x(0), swap, Measure(1, 0), Measure(0, 1)), 2, 2, shots=4))) == {1}
    assert set(values(run((swap, Measure(1, 0)), 2, 2, shots=4))) == {0}


def test_a_long_run_of_gates_is_planned_in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that it is cancelled between two of them; the state is what one plan gives."""
    monkeypatch.setattr(compiler, "PLANNED_AT_ONCE", 7)
    for seed in range(5):
        gates = random_gates(4, 30, seed)
        program = Program(4, 0, gates)
        for engine in (CountingEngine(), DenseEngine()):
            outcome = run_program(
                program, engine, RunContext(wanted={"statevector": True}), Control()
            )
            np.testing.assert_allclose(outcome["statevector"], final_state(gates, 4), atol=1e-12)
            if isinstance(engine, CountingEngine):
                assert engine.applied == -(-len(gates) // 7)
        in_a_loop = Program(4, 1, (*gates, Measure(0, 0), h(0), Measure(0, 0)))
        split, whole = (
            run_program(in_a_loop, engine, RunContext(shots=50, seed=seed), Control())
            for engine in (DenseEngine(), ENGINE)
        )
        np.testing.assert_array_equal(split["samples"], whole["samples"])


def test_a_long_run_of_gates_is_cancelled_between_portions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(compiler, "PLANNED_AT_ONCE", 1)
    control = Control()

    class Engine(CountingEngine):
        def apply(self, state: ReferenceState, plan: Plan, inner: Control) -> None:
            super().apply(state, plan, inner)
            if self.applied == 3:
                control.cancel()

    engine = Engine()
    with pytest.raises(Cancelled):
        run_program(Program(1, 0, (h(0),) * 9), engine, RunContext(shots=1), control)
    assert (engine.applied, engine.alive) == (3, 0)
