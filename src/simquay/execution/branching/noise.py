"""Noisy segments: what channels do is drawn, then the states are evolved.

A segment (:mod:`simquay.execution.trajectories.segments`) is a Noise step, which splits branches
by their errors without looking at the state, and an Evolve step, which applies gates and unitary
errors. For each error that depends on the state there is a KrausEvent behind them, and then a Noise
and an Evolve step for the rest of the segment. All of these come before the next segment, so that
branches join again at its start.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from simquay.execution.branching.batches import Branch, Child
from simquay.execution.branching.steps import Evolve, Noise
from simquay.execution.evolution import Run
from simquay.execution.sampling.randomness import Randomness
from simquay.execution.trajectories.drawing import draw_errors
from simquay.execution.trajectories.segments import Errors
from simquay.planning import Layout, Plan, SweepPlan
from simquay.program import Gate

__all__ = ["Evolution", "Work", "children_by_errors"]


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
    first = 0
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
            children += [
                Child(number, 0, 1.0, shots[places], errors)
                for errors, places in sorted(own.items())
            ]
        first += sizes[number]
    return children


class Work:
    """The gates that were applied to vectors, and those if each shot had a vector by itself."""

    def __init__(self) -> None:
        self._done = 0
        self._alone = 0

    def add(self, gates: int, branches: Sequence[Branch], extra: bool = False) -> None:
        """Gates that all ``branches`` had; ``extra``: beside other vectors of the same shots."""
        self._done += gates * len(branches)
        if not extra:
            self._alone += gates * sum([len(branch.shots) for branch in branches])

    def evolve(self, step: Evolve, branches: Sequence[Branch], extra: bool = False) -> None:
        """Those of ``step``."""
        if not step.events:
            self.add(step.segment.size(step.start, None), branches)
            return
        for branch in branches:
            last = branch.errors[-1:]
            stop = last[0][0] if last and last[0] in step.events else None
            self.add(step.segment.size(step.start, stop), [branch], extra)

    def evolutions(self, shots: int) -> float:
        """The work in evolutions of the whole circuit."""
        return round(shots * self._done / self._alone, 3) if self._alone else 1.0


class Evolution:
    """Applies the gates of segments to states whose vectors have different errors.

    Attributes:
        work: gates times vectors so far.
        alone: gates times shots: as many, if each shot were a vector.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._plans: dict[tuple[int, int, Errors, Layout], Plan | SweepPlan] = {}
        self.work = 0
        self.alone = 0

    def apply(self, state: Any, step: Evolve, branches: Sequence[Branch]) -> Any:
        """Apply to each vector the gates of ``step`` with the errors of its branch.

        Returns:
            The state, or a new one in its place.
        """
        run, layout = self._run, state.layout
        bounds = [0]
        for number in range(1, len(branches)):
            one, other = branches[number - 1], branches[number]
            if one.errors != other.errors or one.pending or other.pending:
                bounds.append(number)
        parts = []
        for start, stop in zip(bounds, [*bounds[1:], len(branches)], strict=True):
            branch = branches[start]
            rows = state if stop - start == state.batch else run.engine.rows(state, start, stop)
            plan = self._plan(step, branch, layout)
            run.apply(rows, plan, run.control.section(0, 0))
            parts.append(rows)
        if len(parts) == 1 or all(rows.layout == layout for rows in parts):
            return state
        joined = run.engine.select([(rows, range(rows.batch)) for rows in parts])
        run.engine.release(state)
        return joined

    def _plan(self, step: Evolve, branch: Branch, layout: Layout) -> Plan | SweepPlan:
        errors, stop = branch.errors, None
        if errors and errors[-1] in step.events:
            errors, stop = errors[:-1], errors[-1][0]
        gates: list[Gate] = [*branch.pending, *step.segment.gates(errors, step.start, stop)]
        return self._run.plan(gates, layout)
