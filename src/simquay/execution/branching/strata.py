"""Means with noise: exact for what happens without errors, over trajectories for the rest.

Most shots of a circuit with little noise have no error at all. They end in one state, and their
share is known from the channels alone; so they add nothing to the standard error.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from simquay.execution.branching.batches import Branch
from simquay.execution.branching.dynamic import Branching
from simquay.execution.branching.steps import (
    Evolve,
    Finish,
    Gates,
    Jump,
    KrausEvent,
    Noise,
    Steps,
)
from simquay.execution.evolution import Run
from simquay.execution.kinds import KINDS
from simquay.execution.settings import Outcome
from simquay.program import Save

__all__ = ["clean_share", "mean_over_errors"]

_LEAST_SHARE = 0.01
"""Below this, to take it apart saves next to nothing."""

_LEAST_WITH_ERRORS = 30
"""Trajectories with errors that are expected at least, for a standard error to be told."""


def mean_over_errors(run: Run, steps: Steps, most: int) -> Outcome:
    """Run a program with noise without samples, as precisely as over ``most`` trajectories; see
    :func:`~simquay.execution.branching.exact.run_exact`."""
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
