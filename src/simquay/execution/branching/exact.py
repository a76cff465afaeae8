"""Dynamic circuits without samples: every branch, with its probability.

A branch is followed for each outcome that an event can have, and no shot is drawn: the mean of a
result over the branches is exact. Where there are too many branches, it is taken over trajectories:
as many shots as give the standard error that is asked for, run as
:mod:`~simquay.execution.branching.dynamic` runs them.

With noise, the mean is exact for what happens without errors, and over trajectories for the rest:
most shots of a circuit with little noise have no error at all. They end in one state, and their
share is known from the channels alone; so they add nothing to the standard error.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simquay.engines.base import State
from simquay.errors import SimquayError
from simquay.execution.branching.batches import Branch, Child
from simquay.execution.branching.dynamic import Branching
from simquay.execution.branching.outcomes import known_weights
from simquay.execution.branching.steps import (
    Event,
    Evolve,
    Finish,
    Gates,
    Jump,
    KrausEvent,
    Noise,
    Steps,
)
from simquay.execution.evolution import Run
from simquay.execution.kinds import KINDS, most_trajectories
from simquay.execution.observables.values import Estimates
from simquay.execution.sampling.sampler import BLOCK_BITS
from simquay.execution.settings import Outcome
from simquay.program import Precision, Save

__all__ = ["MOST_BRANCHES", "NEGLIGIBLE", "clean_share", "run_exact"]

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

_LEAST_SHARE = 0.01
"""Below this, to take it apart saves next to nothing."""

_LEAST_WITH_ERRORS = 30
"""Trajectories with errors that are expected at least, for a standard error to be told."""

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
        return _mean_over_errors(run, steps, trajectories)
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


def _mean_over_errors(run: Run, steps: Steps, most: int) -> Outcome:
    """Run a program with noise without samples, as precisely as over ``most`` trajectories."""
    share = clean_share(steps)
    if not _LEAST_SHARE < share < 1:
        return Branching(run.again(most), steps).outcome()
    # The standard error is that of the trajectories with errors, times their share.
    rest = 1 - share
    wanted = max(math.ceil(rest * most), math.ceil(_LEAST_WITH_ERRORS / rest))
    return _Strata(run.again(min(wanted, most)), steps, share).outcome()


def clean_share(steps: Steps) -> float:
    """The probability that no channel of a program makes an error; 0 where measurements or control
    flow may make several states without one."""
    level = 0.0
    for step in steps.steps:
        match step:
            case Noise(segment=segment, start=0):
                level += float(segment.levels[-1])
            case Noise() | KrausEvent() | Evolve() | Gates() | Jump() | Save() | Finish():
                pass
            case _:
                return 0.0
    return math.exp(-level)


class _Strata(Branching):
    """Trajectories with and without errors, apart.

    Args:
        run: of the trajectories.
        steps: of the program.
        share: the probability of no error.
    """

    def __init__(self, run: Run, steps: Steps, share: float) -> None:
        super().__init__(run, steps)
        self._share = share
        self._clean: dict[str, Any] = {}  # by kind, the total over the one branch without errors
        self._others: Counter[str] = Counter()  # and how many trajectories have some

    def add(self, name: str, values: Sequence[Any], branches: Sequence[Branch]) -> None:
        """See :meth:`Branching.add`."""
        some = [number for number, branch in enumerate(branches) if not branch.clean]
        if some:
            super().add(name, [values[number] for number in some], [branches[n] for n in some])
            self._others[name] += sum(len(branches[number].shots) for number in some)
        for value, branch in zip(values, branches, strict=True):
            if branch.clean:
                self._clean[name] = KINDS[name].add(None, [value], [1.0])

    def means(self) -> dict[str, Any]:
        """See :meth:`Branching.means`."""
        found = {name: KINDS[name].mean(total, 0) for name, total in self._clean.items()}
        for name, total in self.totals.items():
            rest = KINDS[name].mean(total, self._others[name])
            if name in found:
                rest = KINDS[name].blend(found[name], rest, self._share)
            found[name] = rest
        return found
