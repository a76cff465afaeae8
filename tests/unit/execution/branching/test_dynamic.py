"""Dynamic circuits against every path of the program, and against one shot at a time."""

from __future__ import annotations

import contextlib
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from simquay.control import Control
from simquay.engines.reference import ReferenceEngine
from simquay.errors import ManyStatesError
from simquay.execution.kinds import needed_bytes
from simquay.execution.memory import Ledger
from simquay.execution.run import run_program
from simquay.execution.sampling.randomness import Randomness
from simquay.execution.settings import RunContext
from simquay.program import (
    Diagonal,
    ForLoop,
    IfElse,
    Matrix,
    Measure,
    Program,
    Relabel,
    Reset,
    Save,
    Store,
)
from simquay.program.expressions import (
    Binary,
    BitRef,
    Constant,
    Kind,
    RegisterRef,
    Type,
)
from tests.support.branching import saved
from tests.support.counting_engine import CountingEngine
from tests.support.dense import TooManyPaths, final_distribution
from tests.support.progress import ProgressWatcher
from tests.support.random_programs import (
    dynamic_programs,
    random_dynamic_program,
    random_unitary_program,
)
from tests.support.small_gates import BOOL, NoMemory, counts, cx, h, plenty, run, ry, x


def teleportation(probability: float) -> Program:
    """Teleports a qubit that is 1 with the given probability, from 0 to 2, and measures it."""
    z = Matrix(np.diag([1, -1]).astype(complex), (2,))
    return Program(
        3,
        3,
        (
            ry(probability, 0),
            h(1),
            cx(1, 2),
            cx(0, 1),
            h(0),
            Measure(0, 0),
            Measure(1, 1),
            IfElse(BitRef(1), (x(2),)),
            IfElse(BitRef(0), (z,)),
            Measure(2, 2),
        ),
    )


@pytest.mark.parametrize("together", [1, None])
def test_a_teleportation_costs_a_handful_of_evolutions(together: int | None) -> None:
    engine = CountingEngine()
    outcome = run(teleportation(0.3), engine, shots=10_000, branches_together=together)
    assert outcome.metadata["branches"] == 4
    # Once together; then x where its bit says so, and z where its own does: a call for each of
    # two branches, or one for both.
    assert engine.applied == (1 + 4 if together == 1 else 1 + 2)
    if together == 1:
        assert engine.copied == 3
        assert engine.most_alive == 2
    assert engine.alive == 0
    ones = int((outcome["samples"] >> np.uint64(2) & np.uint64(1)).sum())
    assert abs(ones - 3000) < 5.5 * np.sqrt(10_000 * 0.21)  # 4e-8
    assert counts(outcome).keys() == set(range(8))


def test_adjacent_measurements_take_one_draw() -> None:
    program = Program(2, 2, (h(0), h(1), Measure(1, 1), Measure(0, 0), h(0), h(1), Measure(0, 0)))
    outcome = run(program, shots=300, seed=3)
    first = np.floor(Randomness(3, 0).consecutive(0, 0, 300) * 4).astype(int)
    second = np.floor(Randomness(3, 0).consecutive(1, 0, 300) * 2).astype(int)
    np.testing.assert_array_equal(outcome["samples"][:, 0], (first & 2) | second)


def test_nothing_is_copied_for_what_is_classical_from_there_on() -> None:
    # Eight outcomes, and then only bits are computed, in a loop: the parity into bit 3.
    parity = Store(BitRef(3), Binary("^", BitRef(3), BitRef(0), BOOL))
    turn = [Store(BitRef(a), BitRef(b)) for a, b in ((4, 0), (0, 1), (1, 2), (2, 4))]
    loop = ForLoop(((parity, *turn),) * 3)
    program = Program(3, 5, (h(0), h(1), h(2), *(Measure(q, q) for q in range(3)), loop))
    engine = CountingEngine()
    outcome = run(program, engine, shots=1000)
    assert outcome.metadata["branches"] == 8
    assert (engine.applied, engine.copied, engine.alive) == (1, 0, 0)
    bits = outcome["samples"][:, 0]
    ones = sum(bits >> np.uint64(k) & np.uint64(1) for k in range(3))
    np.testing.assert_array_equal(bits >> np.uint64(3) & np.uint64(1), ones & np.uint64(1))
    assert set((bits & np.uint64(7)).tolist()) == set(range(8))


def test_measure_then_reset_is_one_event() -> None:
    program = Program(1, 2, (h(0), Measure(0, 0), Reset(0), h(0), Measure(0, 1)))
    outcome = run(program, shots=300, seed=3)
    first = np.floor(Randomness(3, 0).consecutive(0, 0, 300) * 2).astype(int)
    second = np.floor(Randomness(3, 0).consecutive(1, 0, 300) * 2).astype(int)
    np.testing.assert_array_equal(outcome["samples"][:, 0], first | second << 1)


def test_what_acts_on_a_reset_qubit_stays_behind_the_reset() -> None:
    flip = Diagonal(np.array([1, 1, 1, -1]), (0, 1))
    swap = Relabel((0, 1), (1, 0))
    for before, after in ((h(1), (flip, h(1))), (h(2), (cx(0, 1),)), (h(2), (swap,))):
        program = Program(3, 1, (x(0), before, Reset(0), *after, h(0), Measure(1, 0)))
        # Before the reset, each of them would turn qubit 1 over.
        assert final_distribution(program) == pytest.approx({0: 1.0})
        assert counts(run(program, shots=20)) == {0: 20}


def assert_counts_fit(program: Program, shots: int, seed: int, max_paths: int = 2000) -> None:
    """The samples against the exact distribution: by Hoeffding's inequality, one outcome's
    frequency strays by more than the bound with probability below 2 exp(-2 · 12) = 8e-11."""
    distribution = final_distribution(program, max_paths)
    outcome = run(program, shots=shots, seed=seed)
    seen = counts(outcome)
    assert set(seen) <= set(distribution)
    bound = np.sqrt(12 / shots)
    for value, probability in distribution.items():
        assert abs(seen.get(value, 0) / shots - probability) < bound


@settings(max_examples=150, deadline=None)
@given(program=dynamic_programs(), seed=st.integers(0, 1000))
def test_distributions_are_those_of_all_paths(program: Program, seed: int) -> None:
    try:
        assert_counts_fit(program, 3000, seed)
    except TooManyPaths:
        assume(False)


@pytest.mark.parametrize("first_seed", range(0, 400, 40))
def test_distributions_of_longer_programs(first_seed: int) -> None:
    done = 0
    for seed in range(first_seed, first_seed + 40):
        program = random_dynamic_program(3, 16, seed, num_clbits=3)
        with contextlib.suppress(TooManyPaths):
            assert_counts_fit(program, 3000, seed, max_paths=200)
            done += 1
    assert done > 20


@settings(max_examples=60, deadline=None)
@given(program=dynamic_programs(), seed=st.integers(0, 1000), first=st.integers(0, 50))
def test_shots_together_are_shots_one_by_one(program: Program, seed: int, first: int) -> None:
    together = run(program, shots=24, seed=seed, circuit=1, first_shot=first)
    alone = [
        run(program, shots=1, seed=seed, circuit=1, first_shot=first + shot)["samples"]
        for shot in range(24)
    ]
    np.testing.assert_array_equal(together["samples"], np.concatenate(alone))


@settings(max_examples=60, deadline=None)
@given(program=dynamic_programs(), seed=st.integers(0, 1000))
def test_replays_give_the_samples_of_copies(program: Program, seed: int) -> None:
    run_settings = RunContext(shots=64, seed=seed)
    copies, replays = CountingEngine(), CountingEngine()
    expected = run_program(program, copies, run_settings, Control(), memory=plenty())
    outcome = run_program(program, replays, run_settings, Control(), memory=NoMemory())
    np.testing.assert_array_equal(outcome["samples"], expected["samples"])
    assert outcome.metadata["branches"] == expected.metadata["branches"]
    assert replays.copied == 0
    assert replays.most_alive == 1
    assert copies.alive == replays.alive == 0


@pytest.mark.parametrize("together", [1, None])
def test_replays_when_the_device_has_less_than_it_said(together: int | None) -> None:
    class Poor(CountingEngine):
        def copy(self, state):
            raise MemoryError

        def select(self, parts: Any) -> Any:
            raise MemoryError

    ledger = plenty()
    run_settings = RunContext(shots=100, branches_together=together)
    expected = run(teleportation(0.3), shots=100)
    poor = Poor()
    outcome = run_program(teleportation(0.3), poor, run_settings, Control(), memory=ledger)
    np.testing.assert_array_equal(outcome["samples"], expected["samples"])
    # Together, all four children are lost, and then two of the first replay's.
    assert outcome.metadata["replays"] == (3 if together == 1 else 4)
    assert ledger.reserved == 0
    assert poor.alive == 0


def test_some_memory_is_used_and_given_back() -> None:
    engine = CountingEngine()
    program = random_dynamic_program(4, 40, 8)
    one = engine.required_bytes(4, RunContext().precision)
    ledger = Ledger("a test", lambda: 2 * one)
    outcome = run_program(program, engine, RunContext(shots=500), Control(), memory=ledger)
    np.testing.assert_array_equal(outcome["samples"], run(program, shots=500)["samples"])
    assert engine.most_alive <= 3
    assert engine.copied > 0
    assert outcome.metadata["replays"] > 0
    assert ledger.reserved == 0


@pytest.mark.parametrize("seed", range(6))
def test_portions_of_shots_change_nothing(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from simquay.execution import readout as finish
    from simquay.execution.branching import outcomes as drawing

    program = random_dynamic_program(4, 30, seed)
    straight = random_unitary_program(4, 20, seed, measure=True)
    expected = [run(one, shots=200, first_shot=3)["samples"] for one in (program, straight)]
    monkeypatch.setattr(drawing, "PORTION", 17)
    monkeypatch.setattr(finish, "PORTION", 23)
    for one, samples in zip((program, straight), expected, strict=True):
        np.testing.assert_array_equal(run(one, shots=200, first_shot=3)["samples"], samples)


def test_shots_that_branch_take_no_more_memory_than_is_reserved(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from simquay.execution import evolution, readout
    from simquay.execution.branching import outcomes

    again = (Measure(0, 0), h(0), Measure(1, 1), h(1))
    program = Program(2, 2, (h(0), h(1), *again, Measure(0, 0), Measure(1, 1)))
    context = RunContext(shots=1 << 20)
    arrays = context.shots * (8 + 24)  # samples; numbers of shots
    assert needed_bytes(program, ReferenceEngine(), context, context.shots) > arrays
    for module in (evolution, readout, outcomes):
        monkeypatch.setattr(module, "PORTION", 1 << 14)
    run(program, shots=1000)  # imports
    tracemalloc.start()
    try:
        run(program, shots=context.shots)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < arrays + 256 * readout.PORTION


def test_outcomes_without_shots_make_no_branch() -> None:
    # One shot in 1e9 would find a 1, and h h leaves a 1 of rounding size: no shot finds either.
    program = Program(1, 1, (ry(1e-9, 0), Measure(0, 0), h(0), h(0), Measure(0, 0)))
    outcome = run(program, shots=100)
    assert outcome.metadata["branches"] == 1
    assert counts(outcome) == {0: 100}


# One state, or several.


def test_the_state_after_a_dynamic_circuit_that_has_one() -> None:
    program = Program(2, 1, (x(0), Measure(0, 0), IfElse(BitRef(0), (h(1),))))
    outcome = run(program, shots=100, statevector=True)
    np.testing.assert_allclose(outcome["statevector"], [0, np.sqrt(0.5), 0, np.sqrt(0.5)])


def test_several_states_are_refused_with_the_reason() -> None:
    measured = Program(1, 1, (h(0), Measure(0, 0), h(0)), name="mine")
    with pytest.raises(ManyStatesError, match=r"'mine'.*measurement of qubit 0 into classical bit"):
        run(measured, shots=100, statevector=True)
    reset = Program(1, 1, (h(0), Reset(0), h(0)))
    with pytest.raises(ManyStatesError, match="the reset of qubit 0"):
        run(reset, shots=100, statevector=True)
    for seed in range(8):  # also where both shots happen to agree
        with pytest.raises(ManyStatesError):
            run(measured, shots=2, seed=seed, statevector=True)
    one = run(measured, shots=1, statevector=True)["statevector"]
    assert one is not None
    np.testing.assert_allclose(np.abs(one), np.sqrt(0.5))


@pytest.mark.parametrize("memory", [plenty(), NoMemory()])
def test_save_keeps_the_state_where_it_stands(memory: Ledger | NoMemory) -> None:
    program = Program(
        1,
        1,
        (h(0), Save("plus"), x(0), h(0), Save("zero"), h(0), Measure(0, 0), h(0)),
    )
    settings = RunContext(shots=50)
    outcome = run_program(program, ReferenceEngine(), settings, Control(), memory=memory)
    assert outcome["saved"].keys() == {"plus", "zero"}
    np.testing.assert_allclose(saved(outcome, "plus"), [np.sqrt(0.5)] * 2, atol=1e-12)
    np.testing.assert_allclose(saved(outcome, "zero"), [1, 0], atol=1e-12)


def test_save_after_a_split_is_refused_and_a_measurement_before_it_has_happened() -> None:
    program = Program(1, 1, (h(0), Measure(0, 0), Save("s")))
    with pytest.raises(ManyStatesError, match="into classical bit 0"):
        run(program, shots=100)
    outcome = run(program, shots=1)
    np.testing.assert_allclose(saved(outcome, "s")[int(outcome["samples"][0, 0])], 1)
    again = Program(1, 0, (Save("s"), x(0), Save("s")))
    np.testing.assert_allclose(saved(run(again, shots=5), "s"), [0, 1])


def test_registers_and_wide_words_through_branches() -> None:
    # A dynamic program over 130 classical bits: a bit of each word decides.
    program = Program(
        2,
        130,
        (
            h(0),
            Measure(0, 127),
            IfElse(
                Binary(
                    "==",
                    RegisterRef((0, 127)),
                    Constant(2, Type(Kind.UINT, 2)),
                    BOOL,
                ),
                (x(1),),
            ),
            Measure(1, 64),
            Store(BitRef(0), BitRef(127)),
        ),
    )
    outcome = run(program, shots=40)
    rows = {tuple(row) for row in outcome["samples"].tolist()}
    assert rows == {(0, 0, 0), (1, 1 | 1 << 63, 0)}


def test_progress_of_branches_never_falls_and_ends_at_one() -> None:
    watcher = ProgressWatcher()
    settings = RunContext(shots=1000)
    run_program(random_dynamic_program(4, 40, 3), ReferenceEngine(), settings, watcher)
    assert len(watcher.seen) > 3
    assert watcher.seen == sorted(watcher.seen)
    assert watcher.seen[-1] == 1
    assert max(watcher.seen[:-1]) < 1
