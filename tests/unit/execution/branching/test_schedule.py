"""Batches that part and meet, levels that stay within their room, and replays."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.engines.reference import ReferenceEngine
from simquay.execution.branching import batches
from simquay.program import IfElse, Measure, Precision, Program
from simquay.program.expressions import BitRef
from tests.support.branching import assert_as_one_by_one, layers, on
from tests.support.counting_engine import CountingEngine
from tests.support.small_gates import NoMemory, cx, h, run, ry, x


def test_branches_that_part_meet_again() -> None:
    body = [
        op
        for n in range(6)
        for op in (h(0), cx(0, 1), Measure(0, n), IfElse(BitRef(n), (x(1), h(2)), (ry(0.3, 2),)))
    ]
    program = Program(3, 9, (*body, h(0), *(Measure(q, 6 + q) for q in range(3))))
    engine = CountingEngine()
    outcome = on(engine, program, None, shots=10_000)
    assert outcome.metadata["branches"] == 2**6
    assert engine.applied == 6 * 3 + 1  # before each measurement, and once on either way
    np.testing.assert_array_equal(
        outcome["samples"], on(engine, program, 1, shots=10_000)["samples"]
    )


def test_paths_with_more_and_fewer_draws_meet() -> None:
    # Only where bit 0 is 1 is another qubit measured: behind that, draw 1 of some is draw 2 of
    # others.
    more = (h(1), Measure(1, 1), h(1))
    program = Program(
        2, 4, (h(0), Measure(0, 0), IfElse(BitRef(0), more), h(0), Measure(0, 2), h(0))
    )
    for first_shot in (0, 3):
        assert_as_one_by_one(ReferenceEngine(), program, shots=2000, first_shot=first_shot)


def test_levels_stay_within_their_room() -> None:
    # 512 branches of 20,000 shots, and room for a few.
    program = Program(3, 9, tuple(layers(3, 9)))
    for room in (2, 3, 4, 10, 40):
        engine = CountingEngine()
        outcome = on(engine, program, room, shots=20_000)
        assert outcome.metadata["branches"] == 512
        # Beside the room, twice, and the first state: states reserved one by one, where even the
        # room of the highest level was too small. There are no more than open splits.
        assert engine.most_vectors <= 2 * room + 1 + (9 if room < 4 else 0)
        assert engine.alive == 0


def test_large_states_run_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    program = Program(3, 6, tuple(layers(3, 6)))
    engine = CountingEngine()
    vector = engine.required_bytes(3, Precision.DOUBLE, 2) - engine.required_bytes(
        3, Precision.DOUBLE
    )
    least = batches.LEAST_ROOM * vector
    for bound, together in ((least - 1, False), (least, True)):
        monkeypatch.setattr(batches, "BATCH_BYTES", {"cpu": bound})
        outcome = on(engine, program, None, shots=5000)
        assert (outcome.metadata["branches_together"] > 1) is together


def test_a_budget_of_one_states_worth_means_replays() -> None:
    program = Program(3, 6, tuple(layers(3, 6)))
    engine = CountingEngine()
    outcome = on(engine, program, None, NoMemory(), shots=300)
    assert engine.most_vectors == 1
    assert outcome.metadata["replays"] > 0
    np.testing.assert_array_equal(outcome["samples"], run(program, shots=300)["samples"])
