"""Dynamic circuits without samples: every branch, with its probability.

A branch is followed for each outcome that an event can have, and no shot is drawn: the mean of a
result over the branches is exact. Where there are too many branches, it is taken over trajectories:
as many shots as give the standard error that is asked for, run as
:mod:`~simquay.execution.branching.dynamic` runs them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from simquay.engines.base import State
from simquay.errors import SimquayError
from simquay.execution.branching.batches import Branch, Child
from simquay.execution.branching.dynamic import Branching
from simquay.execution.branching.outcomes import known_weights
from simquay.execution.branching.steps import Event, Steps
from simquay.execution.branching.strata import mean_over_errors
from simquay.execution.evolution import Run
from simquay.execution.kinds import most_trajectories
from simquay.execution.observables import Estimates
from simquay.execution.sampling.sampler import BLOCK_BITS
from simquay.execution.settings import Outcome
from simquay.program import Precision

__all__ = ["MOST_BRANCHES", "NEGLIGIBLE", "run_exact"]

MOST_BRANCHES = 1 << 14
"""The most branches that are followed: as many as trajectories that tell two digits."""

NEGLIGIBLE = {Precision.SINGLE: 1e-10, Precision.DOUBLE: 1e-14}
"""A branch that is less likely is dropped. This is above what rounding leaves of an impossible
outcome; and it ends a loop that goes on with an ever smaller probability."""

_WEIGHTS_AT_ONCE = 1 << 20
"""The most probabilities that are read at once, of all vectors together: 8 MiB."""

_LEVEL_BITS = 6
"""Qubits that a joint measurement of many is looked at by, so that a table of all branches is as
large."""

_NO_SHOTS = np.empty(0, dtype=np.int64)


class _TooManyBranchesError(SimquayError):
    """A program has more than :data:`MOST_BRANCHES`."""


def run_exact(run: Run, steps: Steps) -> Outcome:
    """Run a program of any kind without samples; see
    :func:`~simquay.execution.run.run_program`."""
    if not steps.noisy:
        exact = _Exact(run, steps)
        try:
            return _told(exact.outcome(), dropped_probability=exact.dropped)
        except _TooManyBranchesError:
            pass
    drawn = most_trajectories(run.context)
    outcome = _over(drawn, run, steps)
    if "expectation" in outcome.results:
        estimates: Estimates = run.context.wanted["expectation"]
        needed = estimates.needed(outcome["expectation"][1], drawn)
        if needed > drawn:
            return _over(needed, run, steps)
    return outcome


def _over(trajectories: int, run: Run, steps: Steps) -> Outcome:
    """The outcome as a mean over trajectories."""
    if steps.noisy:
        return mean_over_errors(run, steps, trajectories)
    outcome = Branching(run.again(trajectories), steps).outcome()
    return _told(outcome, trajectories=trajectories)


def _told(outcome: Outcome, **figures: float) -> Outcome:
    return replace(outcome, metadata={**outcome.metadata, **figures})


class _Exact(Branching):
    """The work of one :func:`run_exact`.

    Attributes:
        dropped: the probability of all branches that were dropped.
    """

    def __init__(self, run: Run, steps: Steps) -> None:
        super().__init__(run, steps)
        self.dropped = 0.0
        self._count = 1
        self._least = NEGLIGIBLE[run.context.precision]

    def shares(self, branches: Sequence[Branch]) -> list[float]:
        """The probability of each branch."""
        return [branch.probability for branch in branches]

    def children(
        self, state: State | None, branches: list[Branch], event: Event, qubits: list[int]
    ) -> list[Child]:
        """A child for each outcome of each branch, by branch, but for negligible ones."""
        known = known_weights(event, self.run.engine, state, branches)
        children: list[Child] = []
        self._count -= len(branches)
        for first, outcomes, table in self._tables(state, qubits, known):
            self.run.control.check()
            before = np.array([one.probability for one in branches[first : first + len(table)]])
            paths = before[:, None] * table
            kept = paths >= self._least
            self.dropped += float(paths[~kept].sum())
            rows, columns = np.nonzero(kept)
            self._count += len(rows)
            if self._count > MOST_BRANCHES:
                raise _TooManyBranchesError("the circuit has too many branches")
            children += [
                Child(first + row, outcome, probability, _NO_SHOTS)
                for row, outcome, probability in zip(
                    rows.tolist(), outcomes[columns].tolist(), table[kept].tolist(), strict=True
                )
            ]
        return children

    def _tables(
        self, state: State | None, qubits: Sequence[int], known: NDArray[np.float64] | None
    ) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.float64]]]:
        """``(first, outcomes, probabilities)`` of some vectors from ``first`` on: of each vector
        the probabilities of ``outcomes``; all others have none, or are negligible."""
        engine = self.run.engine
        if known is not None:
            yield 0, np.arange(known.shape[1]), known
            return
        assert state is not None
        if len(qubits) > BLOCK_BITS:
            for number in range(state.batch):
                vector = engine.rows(state, number, number + 1)
                yield number, *self._likely(vector, qubits)
        else:
            step = _WEIGHTS_AT_ONCE >> len(qubits)
            for first in range(0, state.batch, step):
                last = min(first + step, state.batch)
                vectors = state if step >= state.batch else engine.rows(state, first, last)
                table = engine.probabilities(vectors, qubits, {})
                yield first, np.arange(table.shape[1]), table

    def _likely(
        self, state: State, qubits: Sequence[int]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The outcomes of one vector that are not negligible, and their probabilities, shape
        ``(1, outcomes)``; the highest qubits are looked at first."""
        engine, low = self.run.engine, len(qubits)
        outcomes, weights = np.zeros(1, dtype=np.int64), np.ones(1)
        while low:
            high, low = low, max(low - _LEVEL_BITS, 0)
            level, fixed = qubits[low:high], qubits[high:]
            if fixed:
                table = engine.block_probabilities(state, level, fixed, outcomes)
            else:
                table = engine.probabilities(state, level, {})
            rows, columns = np.nonzero(table >= self._least)
            self.dropped += float(table[table < self._least].sum())
            if len(rows) > MOST_BRANCHES:
                raise _TooManyBranchesError("an event has too many outcomes")
            outcomes, weights = outcomes[rows] << len(level) | columns, table[rows, columns]
        return outcomes, weights[None, :]
