"""Errors that depend on the state, of branches of one shot, without a stop at their place.

The probability of a Kraus operator is that of the state where it is applied. Gates that follow do
not change it: so it is also the square of the norm that is left at the end of the segment. All
operators are tried, each on a vector of its own that takes part in the evolution of all others, and
the shot's draw picks one at the end. The draws are those that
:class:`~simquay.execution.branching.steps.KrausEvent` and the steps behind it take, so nothing in
the samples tells which way was gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from simquay.engines.base import Engine
from simquay.execution.branching.batches import Batch, Branch, States
from simquay.execution.branching.noise import Evolution, Work
from simquay.execution.branching.steps import Evolve
from simquay.execution.evolution import Run
from simquay.execution.trajectories.drawing import draw_errors

__all__ = ["evolve"]

Floats: TypeAlias = NDArray[np.float64]


def evolve(
    run: Run,
    states: States,
    evolution: Evolution,
    work: Work,
    batch: Batch,
    step: Evolve,
    spare: int,
) -> bool:
    """Evolve a batch by ``step``; the order of its branches may be another then.

    Args:
        run: the run.
        states: gives states of chosen vectors.
        evolution: applies the gates.
        work: counts them.
        batch: of branches in front of the step.
        step: the step.
        spare: how many more vectors there may be.

    Returns:
        Whether there was enough memory; if not, the branches are to be replayed.
    """
    branches = batch.branches
    tried = _tried(branches, step, spare)
    extra = None
    if tried:
        rows = [row for row, operators in tried for _ in operators[1:]]
        extra = states.select([(batch, rows)])
    if extra is None:
        work.evolve(step, branches)
        batch.state = evolution.apply(batch.state, step, branches)
        return True
    draws, branches_of_others = _try_operators(run, step, branches, tried)
    others = Batch(extra, branches_of_others)
    try:
        work.evolve(step, branches)
        work.evolve(step, others.branches, extra=True)
        batch.state = evolution.apply(batch.state, step, branches)
        others.state = evolution.apply(others.state, step, others.branches)
        moved = _pick(run.engine, batch, others, tried, draws)
        if not moved:
            return True
        gone, taken = [*moved], [*moved.values()]
        left = sorted({*range(len(branches))}.difference(gone))
        state = states.select([(batch, left), (others, taken)] if left else [(others, taken)])
        if state is None:
            return False
        run.engine.release(batch.state)
        batch.state = state
        batch.branches = [branches[row] for row in left] + [others.branches[row] for row in taken]
        return True
    finally:
        states.release(others)


_Tried: TypeAlias = "tuple[int, range]"
"""The number of a branch, and those of the operators of its last error."""


def _tried(branches: Sequence[Branch], step: Evolve, spare: int) -> list[_Tried]:
    """The branches whose last error is treated so: those of one shot, as long as there is room."""
    found = []
    for row, branch in enumerate(branches):
        if len(branch.shots) != 1 or branch.replay or not branch.errors:
            continue
        if branch.errors[-1] in step.events:
            operators = step.segment.operators(*branch.errors[-1])
            spare -= len(operators) - 1
            if spare < 0:
                break
            found.append((row, operators))
    return found


def _pick(
    engine: Engine, batch: Batch, others: Batch, tried: Sequence[_Tried], draws: Floats
) -> dict[int, int]:
    """Pick an operator for each branch of ``tried``, and normalise its vector.

    Returns:
        By the numbers of branches in ``batch``, those in ``others`` that take their place.
    """
    weights = engine.probabilities(others.state, (), {})[:, 0]
    moved: dict[int, int] = {}
    first = 0
    for (row, operators), draw in zip(tried, draws, strict=True):
        own = weights[first : first + len(operators) - 1]
        bounds = np.cumsum([max(1 - own.sum(), 0.0), *own])
        outcome = min(int(bounds.searchsorted(draw * bounds[-1], "right")), len(own))
        whole, number = batch, row
        if outcome:
            whole, number = others, first + outcome - 1
            moved[row] = number
        vector = engine.rows(whole.state, number, number + 1)
        # Of the vector itself, so that rounding does not add up.
        probability = float(engine.probabilities(vector, (), {})[0, 0])
        engine.collapse(vector, {}, probability)
        branch = whole.branches[number]
        branch.history = branch.history, outcome, probability
        first += len(own)
    return moved


def _try_operators(
    run: Run, step: Evolve, branches: Sequence[Branch], tried: Sequence[_Tried]
) -> tuple[Floats, list[Branch]]:
    """Give each branch in ``tried`` the first operator, and draw the errors behind it.

    Returns:
        The draw that picks the operator of each; and a branch for each other operator.
    """
    segment = step.segment
    shots = np.array([branches[row].shots[0] for row, _ in tried])
    numbers = np.array([branches[row].draw for row, _ in tried])
    sites = np.array([branches[row].errors[-1][0] for row, _ in tried])
    later = draw_errors(segment, sites + 1, run.randomness, numbers + 1, shots)
    others: list[Branch] = []
    for place, (row, operators) in enumerate(tried):
        branch = branches[row]
        *before, (site, _) = branch.errors
        behind = later.get(place, [])
        # A draw for the operator and, if a site follows, one for no more errors.
        branch.draw += 1 + len(behind) + (site + 1 < len(segment.channels))
        for operator in operators[1:]:
            other = copy(branch)
            other.errors = (*before, (site, operator), *behind)
            others.append(other)
        branch.errors = (*before, (site, operators[0]), *behind)
    return run.randomness.each(numbers, shots), others
