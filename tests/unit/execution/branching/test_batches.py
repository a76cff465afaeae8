"""Branches in batches: the samples of branches one by one, with fewer calls and no more memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from simquay.control import Control
from simquay.engines.base import Engine
from simquay.engines.numpy.engine import DenseEngine
from simquay.engines.reference import ReferenceEngine, ReferenceState
from simquay.errors import Cancelled, ManyStatesError
from simquay.execution.branching.compiler import compile_steps
from simquay.execution.branching.deferral import defer
from simquay.execution.branching.steps import Gates
from simquay.execution.memory import Ledger, Reservation
from simquay.execution.run import run_program
from simquay.execution.settings import RunContext
from simquay.planning import Plan
from simquay.program import (
    ForLoop,
    Matrix,
    Measure,
    Permutation,
    Precision,
    Program,
    Reset,
    Save,
)
from tests.support.branching import assert_as_one_by_one, layers, on, saved
from tests.support.counting_engine import CountingEngine
from tests.support.progress import ProgressWatcher
from tests.support.random_programs import dynamic_programs, random_dynamic_program
from tests.support.small_gates import counts, cx, h, plenty, run, ry, x
from tests.support.tiled_engine import TiledEngine

ENGINES = [ReferenceEngine(), DenseEngine(), TiledEngine(tile=3, low=1, span=2)]
by_engine = pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)


@by_engine
@settings(max_examples=40, deadline=None)
@given(program=dynamic_programs(max_qubits=5, max_operations=20), seed=st.integers(0, 99))
def test_random_programs_as_one_by_one(engine: Engine, program: Program, seed: int) -> None:
    assert_as_one_by_one(engine, program, shots=150, seed=seed, first_shot=5)


@by_engine
@pytest.mark.parametrize("seed", range(6))
def test_long_programs_as_one_by_one(engine: Engine, seed: int) -> None:
    program = random_dynamic_program(5, 50, seed, num_clbits=70)
    assert_as_one_by_one(engine, program, shots=150, seed=seed)


@by_engine
def test_many_branches_as_one_by_one(engine: Engine) -> None:
    # Uneven ones as well: most shots stay together while others leave.
    rare = [op for n in range(12) for op in (h(0), ry(0.03, 1), Measure(1, n), Reset(1))]
    for operations in (layers(3, 9, 0.2), rare):
        program = Program(3, 15, (*operations, h(2), *(Measure(q, 12 + q) for q in range(3))))
        assert_as_one_by_one(engine, program, shots=3000)


def test_branches_of_many_outcomes_and_of_many_qubits() -> None:
    # 7 qubits measured at once: more outcomes than are compared with all draws at once; at the
    # end 18, more than a block of sampling has.
    spread = [gate for q in range(18) for gate in (ry(0.3 + 0.02 * q, q), cx(q, (q + 5) % 18))]
    middle = [Measure(q, q) for q in range(7)]
    last = [Measure(q, 7 + q) for q in range(18)]
    program = Program(18, 25, (*spread, *middle, h(0), h(3), h(17), *last))
    engine = DenseEngine()
    expected = on(engine, program, 1, shots=60)
    outcome = on(engine, program, 8, shots=60)
    assert outcome.metadata["branches_together"] > 1
    np.testing.assert_array_equal(outcome["samples"], expected["samples"])


# Fewer calls.


def test_branches_share_their_calls() -> None:
    program = Program(3, 11, (*layers(3, 10), Measure(0, 10)))
    one_by_one, together = CountingEngine(), CountingEngine()
    expected = on(one_by_one, program, 1, shots=20_000)
    outcome = on(together, program, None, shots=20_000)
    np.testing.assert_array_equal(outcome["samples"], expected["samples"])
    branches = outcome.metadata["branches"]
    assert branches == 2**10  # of 20,000 shots, one has none with chance below 1e-5
    assert one_by_one.applied > branches
    # Each run of gates between two measurements is one call.
    steps = compile_steps(defer(program)).steps
    assert together.applied == sum(isinstance(step, Gates) for step in steps) <= 11
    assert together.most_together == branches == outcome.metadata["branches_together"]
    assert together.copied == 0


def test_a_rule_that_mixes_up_vectors_would_show() -> None:
    class Swapped(ReferenceEngine):
        """Gives each vector the outcome of another one."""

        def project(
            self,
            state: ReferenceState,
            qubits: Sequence[int],
            outcomes: NDArray[np.int64],
            probabilities: NDArray[np.float64],
            resets: Sequence[int] = (),
        ) -> None:
            super().project(state, qubits, outcomes[::-1], probabilities[::-1], resets)

    class Shifted(ReferenceEngine):
        """Chooses the vector beside the one that was asked for."""

        def select(self, parts: Sequence[tuple[ReferenceState, Sequence[int]]]) -> ReferenceState:
            return super().select(
                [(state, [(n + 1) % state.batch for n in numbers]) for state, numbers in parts]
            )

    program = Program(3, 6, tuple(layers(3, 6, 0.2)))
    expected = run(program, shots=300)["samples"]
    for broken in (Swapped(), Shifted()):
        assert (on(broken, program, 1, shots=300)["samples"] == expected).all()
        assert (on(broken, program, None, shots=300)["samples"] != expected).any()


# Memory.


class Watched(Ledger):
    """A ledger that knows the most that was ever reserved, and that it was never exceeded."""

    def __init__(self, limit: int) -> None:
        super().__init__("a test", lambda: limit)
        self.most = 0

    def try_reserve(self, count: int) -> Reservation | None:
        reservation = super().try_reserve(count)
        self.most = max(self.most, self.reserved)
        return reservation


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("states", [0, 1, 2, 5, 16, 64, 300])
def test_no_more_vectors_than_were_reserved(states: int, seed: int) -> None:
    program = (
        Program(4, 9, tuple(layers(4, 9)))
        if seed == 0
        else random_dynamic_program(4, 40, seed, num_clbits=6)
    )
    expected = on(ReferenceEngine(), program, 1, shots=2000)
    engine = CountingEngine()
    one = engine.required_bytes(4, Precision.DOUBLE)
    ledger = Watched(states * one)
    outcome = on(engine, program, None, ledger, shots=2000)
    np.testing.assert_array_equal(outcome["samples"], expected["samples"])
    assert outcome.metadata["branches"] == expected.metadata["branches"]
    assert engine.vectors == engine.alive == ledger.reserved == 0
    assert ledger.most <= states * one
    # The caller has reserved the first state; all others are within what the run reserved.
    vector = engine.required_bytes(4, Precision.DOUBLE, 2) - one
    assert (engine.most_vectors - 1) * vector <= ledger.most


def test_the_room_is_not_asked_for_before_shots_split() -> None:
    ledger = Watched(1 << 30)
    on(ReferenceEngine(), Program(1, 2, (x(0), Measure(0, 0), h(0), Measure(0, 1))), None, ledger)
    assert ledger.most == 0


class Fails(CountingEngine):
    """Raises an error at a numbered call of a method."""

    def __init__(self, method: str, number: int, error: BaseException) -> None:
        super().__init__()
        self.method, self.left, self.error = method, number, error

    def _called(self, method: str) -> None:
        if method == self.method:
            self.left -= 1
            if self.left == 0:
                raise self.error

    def apply(self, state: ReferenceState, plan: Plan, control: Control) -> None:
        self._called("apply")
        super().apply(state, plan, control)

    def select(self, parts: Sequence[tuple[ReferenceState, Sequence[int]]]) -> ReferenceState:
        self._called("select")
        return super().select(parts)

    def project(self, *arguments: Any) -> None:
        self._called("project")
        super().project(*arguments)

    def probabilities(self, *arguments: Any) -> NDArray[np.float64]:
        self._called("probabilities")
        return super().probabilities(*arguments)


@pytest.mark.parametrize("method", ["apply", "select", "project", "probabilities"])
@pytest.mark.parametrize("together", [None, 12])
def test_all_is_given_back_after_an_error(method: str, together: int | None) -> None:
    program = random_dynamic_program(4, 40, 3, num_clbits=6)
    raised = 0
    for number in range(1, 30, 4):
        engine, ledger = Fails(method, number, ValueError("broken")), plenty()
        try:
            on(engine, program, together, ledger, shots=500)
        except ValueError:
            raised += 1
        assert engine.vectors == engine.alive == ledger.reserved == 0
    assert raised > 0


@pytest.mark.parametrize("together", [None, 3, 12])
@pytest.mark.parametrize("number", range(1, 12, 3))
def test_a_device_that_has_less_than_it_said(number: int, together: int | None) -> None:
    program = random_dynamic_program(4, 40, 3, num_clbits=6)
    expected = run(program, shots=500)
    engine, ledger = Fails("select", number, MemoryError()), plenty()
    outcome = on(engine, program, together, ledger, shots=500)
    np.testing.assert_array_equal(outcome["samples"], expected["samples"])
    assert outcome.metadata["branches"] == expected.metadata["branches"]
    assert engine.vectors == engine.alive == ledger.reserved == 0


# Cancelling, progress, and what asks for one state.


def test_cancelled_in_the_midst_of_a_batch() -> None:
    control = Control()

    class Stops(CountingEngine):
        passes = 0

        def apply(self, state: ReferenceState, plan: Plan, within: Control) -> None:
            if state.batch > 30:
                control.cancel()
            before = self.passes
            try:
                super().apply(state, plan, within)
                self.passes += len(plan)
            finally:
                assert not control.cancelled or self.passes == before

    engine, ledger = Stops(), plenty()
    program = Program(3, 10, tuple(layers(3, 10)))
    with pytest.raises(Cancelled):
        run_program(program, engine, RunContext(shots=5000), control, memory=ledger)
    assert engine.most_together > 30
    assert engine.alive == engine.vectors == ledger.reserved == 0


def test_progress_of_batches_never_falls() -> None:
    for together in (None, 5):
        watcher = ProgressWatcher()
        run_settings = RunContext(shots=1000, branches_together=together)
        program = Program(3, 10, (ForLoop((tuple(layers(3, 5)),) * 2), *layers(3, 5)))
        run_program(program, ReferenceEngine(), run_settings, watcher, memory=plenty())
        assert len(set(watcher.seen)) > 6
        assert watcher.seen == sorted(watcher.seen)
        assert watcher.seen[-1] == 1
        assert max(watcher.seen[:-1]) < 1


@pytest.mark.parametrize("together", [1, None])
def test_a_state_beside_one_that_is_all_but_impossible(together: int | None) -> None:
    # In single precision an outcome of 5e-4 counts as rounding; 10,000 shots have some of it.
    flip = Permutation(np.array([1, 0]), (1,))
    program = Program(2, 2, (ry(5e-4, 0), Measure(0, 0), flip, Save("s"), Reset(1), h(1)))
    outcome = on(
        ReferenceEngine(),
        program,
        together,
        shots=10_000,
        precision=Precision.SINGLE,
        statevector=True,
    )
    assert counts(outcome).keys() == {0, 1}  # one of the two is missing with chance 0.7 %
    np.testing.assert_allclose(saved(outcome, "s"), [0, 0, 1, 0], atol=1e-6)
    np.testing.assert_allclose(outcome["statevector"], [0.5**0.5, 0, 0.5**0.5, 0], atol=1e-6)


def test_the_culprit_is_the_first_event_in_batches_as_well() -> None:
    identity = Matrix(np.eye(2, dtype=complex), (0,))
    program = Program(2, 3, (h(0), Measure(0, 2), h(1), identity, h(0), Measure(1, 0), Save("s")))
    for together in (1, None):
        with pytest.raises(ManyStatesError, match="qubit 0 into classical bit 2"):
            on(ReferenceEngine(), program, together, shots=100)
