"""The outcomes of an event for all shots of several branches."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.control import Control
from simquay.engines.reference import ReferenceEngine
from simquay.errors import Cancelled
from simquay.execution import readout
from simquay.execution.branching import outcomes as module
from simquay.execution.branching.batches import Branch
from simquay.execution.branching.outcomes import children_of, draw_outcomes
from simquay.execution.evolution import Run
from simquay.execution.sampling.randomness import Randomness
from simquay.planning import make_plan
from simquay.program import Precision, Program
from simquay.program.expressions import ClassicalMemory
from tests.support.random_programs import random_gates
from tests.support.small_gates import part_of_job

ENGINE = ReferenceEngine()
QUBITS = 6


def branches(rng: np.random.Generator, count: int) -> list[Branch]:
    """Branches of scattered shots, which have had different numbers of events."""
    owner = rng.integers(0, count, 400)
    return [
        Branch(ClassicalMemory(0, []), np.flatnonzero(owner == number), [], draw=number % 3)
        for number in range(count)
    ]


@pytest.mark.parametrize(
    ("few", "few_draws"), [(0, 0), (0, 1000), (32, 0)], ids=["searched", "by blocks", "compared"]
)
@pytest.mark.parametrize("known", [False, True], ids=["read", "known"])
@pytest.mark.parametrize("portion", [17, 1 << 20])
@pytest.mark.parametrize("count", [1, 2, 7])
def test_each_shot_draws_from_its_own_vector(
    count: int, portion: int, known: bool, few: int, few_draws: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PORTION", portion)
    monkeypatch.setattr(readout, "PORTION", portion)
    monkeypatch.setattr(module, "_FEW_OUTCOMES", few)
    monkeypatch.setattr(module, "_FEW_DRAWS", few_draws)
    rng = np.random.default_rng(count)
    state = ENGINE.allocate(QUBITS, Precision.DOUBLE, capacity=QUBITS, batch=count)
    gates = random_gates(QUBITS, 30, 1)
    ENGINE.apply(
        state, make_plan(gates, state.layout, ENGINE.profile(Precision.DOUBLE, QUBITS)), Control()
    )
    noise = rng.normal(size=(2, *state.vectors.shape))
    state.vectors = noise[0] + 1j * noise[1]
    state.vectors /= np.linalg.norm(state.vectors, axis=1)[:, None]
    measured = sorted(state.layout.order)[:4]
    some, randomness = branches(rng, count), Randomness(3, 0)
    context, piece = part_of_job(seed=3, first_shot=1000, shots=400)
    run = Run(Program(QUBITS, 0, ()), ENGINE, context, piece, Control())
    run.begin()
    probabilities = ENGINE.probabilities(state, measured, {}) if known else None
    drawn = [*draw_outcomes(run, state, measured, some, probabilities)]
    assert max(len(outcomes) for _, _, outcomes, _ in drawn) <= portion
    every = np.concatenate([shots for _, groups, *_ in drawn for shots in groups])
    np.testing.assert_array_equal(every, np.concatenate([branch.shots for branch in some]))
    outcomes, weights = (np.concatenate([part[place] for part in drawn]) for place in (2, 3))
    start = 0
    for number, branch in enumerate(some):
        exact = ENGINE.probabilities(state, measured, {})[number]
        draws = randomness.consecutive(branch.draw, 1000, 400)[branch.shots]
        expected = np.searchsorted(np.cumsum(exact), draws, side="right")
        part = slice(start, start + len(branch.shots))
        np.testing.assert_array_equal(outcomes[part], expected)
        np.testing.assert_allclose(weights[part], exact[expected])
        start = part.stop
    assert start == len(outcomes) == 400


@pytest.mark.parametrize("known", [False, True], ids=["read", "known"])
@pytest.mark.parametrize("count", [1, 7])
def test_drawing_stops_between_portions(
    count: int, known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PORTION", 100)
    monkeypatch.setattr(readout, "PORTION", 100)
    state = ENGINE.allocate(1, Precision.DOUBLE, capacity=1, batch=count)
    context, piece = part_of_job(shots=400)
    run = Run(Program(1, 0, ()), ENGINE, context, piece, Control())
    run.begin()
    probabilities = np.full((count, 2), 0.5) if known else None
    qubits = sorted(state.layout.order)
    some = branches(np.random.default_rng(1), count)
    drawn = draw_outcomes(run, state, qubits, some, probabilities)
    next(drawn)
    run.control.cancel()
    with pytest.raises(Cancelled):
        next(drawn)


def test_a_child_for_each_outcome_of_each_branch() -> None:
    some = [
        Branch(ClassicalMemory(0, []), np.array(shots), []) for shots in ([0, 3, 4, 9], [1, 2], [5])
    ]
    outcomes = np.array([2, 0, 2, 0, 1, 1, 0])
    weights = np.array([0.5, 0.25, 0.5, 0.25, 1.0, 1.0, 0.125])
    whole = (0, [branch.shots for branch in some], outcomes, weights)
    parts = [  # of the first branch in two, of the others in one
        (0, [some[0].shots[:3]], outcomes[:3], weights[:3]),
        (0, [some[0].shots[3:]], outcomes[3:4], weights[3:4]),
        (1, [some[1].shots, some[2].shots], outcomes[4:], weights[4:]),
    ]
    for drawn in ([whole], parts):
        children = children_of(some, drawn)
        assert [(c.branch, c.outcome, c.probability, c.shots.tolist()) for c in children] == [
            (0, 0, 0.25, [3, 9]),
            (0, 2, 0.5, [0, 4]),
            (1, 1, 1.0, [1, 2]),
            (2, 0, 0.125, [5]),
        ]


@pytest.mark.parametrize("certain", [False, True])
def test_portions_of_a_branch_are_joined_as_if_they_were_one(certain: bool) -> None:
    rng = np.random.default_rng(5)
    shots = np.sort(rng.choice(9000, 1000, replace=False))
    outcomes = np.full(1000, 3) if certain else rng.integers(0, 40, 1000) ** 2
    weights = 1 / (1.0 + outcomes)
    branch = Branch(ClassicalMemory(0, []), shots, [])
    drawn = [
        (0, [shots[low : low + 64]], outcomes[low : low + 64], weights[low : low + 64])
        for low in range(0, 1000, 64)
    ]
    children = children_of([branch], drawn)
    assert [child.outcome for child in children] == sorted({*outcomes.tolist()})
    for child in children:
        assert child.branch == 0
        assert child.probability == 1 / (1 + child.outcome)
        np.testing.assert_array_equal(child.shots, shots[outcomes == child.outcome])


@pytest.mark.parametrize("bits", [6, 9, 14])
def test_few_draws_from_many_outcomes_are_those_of_a_search(
    bits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(bits)
    table = rng.dirichlet(np.ones(1 << bits), size=20)
    table[:, rng.random(1 << bits) < 0.5] = 0
    table[:, : 1 << bits - 2] = 0
    table[10:, -(1 << bits - 2) :] = 0
    sizes = rng.integers(1, 5, 20).tolist()
    draws = rng.random(sum(sizes))
    draws[::7], draws[1::7] = 0.0, 1 - 2.0**-53
    found = module._pick_together(table, sizes, draws)
    monkeypatch.setattr(module, "_FEW_DRAWS", 0)
    for one, other in zip(found, module._pick_together(table, sizes, draws), strict=True):
        np.testing.assert_array_equal(one, other)
    assert (found[1] > 0).all()
