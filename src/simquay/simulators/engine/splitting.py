"""Which circuits and shots make a task of a job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["TaskPlan", "split"]


@dataclass(frozen=True, slots=True)
class TaskPlan:
    """One task.

    Attributes:
        circuits: the numbers of its circuits, increasing.
        first_shot: the index of its first shot of each of them.
        shots: how many shots of each of them it takes.
    """

    circuits: tuple[int, ...]
    first_shot: int
    shots: int


def split(
    divisible: Sequence[bool], shots: int, max_circuits: int | None, max_shots: int | None
) -> list[TaskPlan]:
    """The tasks of a job: each shot of each circuit is in one of them.

    Args:
        divisible: for each circuit, whether its shots may be run apart. Where one final state is
            asked for they may not.
        shots: of every circuit.
        max_circuits: the most circuits of a task; None for no limit.
        max_shots: the most shots of each circuit in a task; None for no limit.
    """
    whole = shots if max_shots is None else min(max_shots, shots)
    tasks: list[TaskPlan] = []
    for numbers in _groups(divisible, max_circuits, apart=whole < shots):
        step = whole if divisible[numbers[0]] else shots
        tasks += [
            TaskPlan(numbers, first, min(step, shots - first)) for first in range(0, shots, step)
        ]
    return tasks


def _groups(
    divisible: Sequence[bool], max_circuits: int | None, apart: bool
) -> list[tuple[int, ...]]:
    """Circuits that are next to each other; with ``apart``, those that are divisible and those
    that are not are never in one group."""
    groups: list[list[int]] = []
    for number, one in enumerate(divisible):
        if (
            not groups
            or len(groups[-1]) == max_circuits
            or (apart and divisible[groups[-1][0]] is not one)
        ):
            groups.append([])
        groups[-1].append(number)
    return [tuple(group) for group in groups]
