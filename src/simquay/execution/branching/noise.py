"""Noisy segments: what channels do is drawn, then the states are evolved.

A segment (:mod:`simquay.execution.trajectories.segments`) is a Noise step, which splits branches
by their errors without looking at the state, and an Evolve step, which applies gates and unitary
errors. For each error that depends on the state there is a KrausEvent behind them, and then a Noise
and an Evolve step for the rest of the segment. All of these come before the next segment, so that
branches join again at its start.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simquay.execution.branching.batches import MOST_CHOICES, Branch, Child
from simquay.execution.branching.steps import Evolve, Noise
from simquay.execution.sampling.randomness import Randomness
from simquay.execution.trajectories.drawing import draw_errors
from simquay.execution.trajectories.segments import Errors

__all__ = ["Work", "children_by_errors"]

_APART = 8
"""Up to so many shots with one error that depends on the state are a child each: it is drawn at the
end of the segment (:mod:`simquay.execution.branching.evolving`), where more shots would stop."""


def children_by_errors(
    step: Noise, branches: Sequence[Branch], randomness: Randomness
) -> list[Child]:
    """Draw the errors of each shot: a child for each branch and errors, that without errors first.

    A replayed branch gets the errors that it had, since they depend on its shots alone.
    """
    sizes = [len(branch.shots) for branch in branches]
    numbers = np.repeat([branch.draw for branch in branches], sizes)
    shots = np.concatenate([branch.shots for branch in branches])
    found = draw_errors(step.segment, step.start, randomness, numbers, shots)
    groups: dict[int, dict[Errors, list[int]]] = {}
    owners = np.repeat(np.arange(len(branches)), sizes)
    for place, errors in found.items():
        groups.setdefault(int(owners[place]), {}).setdefault(tuple(errors), []).append(place)
    children: list[Child] = []
    segment, first = step.segment, 0
    for number, branch in enumerate(branches):
        own = groups.get(number)
        if own is None:
            children.append(Child(number, 0, 1.0, branch.shots, ()))
        else:
            left = np.ones(len(branch.shots), dtype=bool)
            for places in own.values():
                left[np.array(places) - first] = False
            if left.any():
                children.append(Child(number, 0, 1.0, branch.shots[left], ()))
            for wrong, places in sorted(own.items()):
                site, part = wrong[-1]
                apart = segment.certain <= MOST_CHOICES and part in segment.state_dependent[site]
                apart = apart and len(places) <= _APART
                some = [[place] for place in places] if apart else [places]
                children += [Child(number, 0, 1.0, shots[one], wrong) for one in some]
        first += sizes[number]
    return children


class Work:
    """The gates that were applied to vectors, and those if each shot had a vector by itself."""

    def __init__(self) -> None:
        self._done = 0
        self._alone = 0

    def add(self, gates: int, branches: Sequence[Branch]) -> None:
        """Gates that all ``branches`` had."""
        self._done += gates * len(branches)
        self._alone += gates * sum([len(branch.shots) for branch in branches])

    def evolve(self, step: Evolve, branches: Sequence[Branch], stopping: Sequence[bool]) -> None:
        """Those of ``step``; ``stopping``: whether a branch stops at an error."""
        if not any(stopping):
            self.add(step.segment.size(step.start, None), branches)
            return
        for branch in branches:
            last = branch.errors[-1:]
            stop = last[0][0] if last and last[0] in step.events else None
            self.add(step.segment.size(step.start, stop), [branch])

    def evolutions(self, shots: int) -> float:
        """The work in evolutions of the whole circuit."""
        return round(shots * self._done / self._alone, 3) if self._alone else 1.0
