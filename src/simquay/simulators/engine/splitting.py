"""Jobs split into tasks: which circuits and shots make a task."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from simquay.engines.base import Engine
from simquay.execution.kinds import divisible
from simquay.execution.points import pack, unbound
from simquay.execution.settings import Piece
from simquay.jobs.dispatch.tasks import Task
from simquay.jobs.references import BackendFinder
from simquay.program import Program
from simquay.simulators.engine.remote import remote_task
from simquay.simulators.engine.task import EngineTask
from simquay.simulators.engine.work import Part

__all__ = ["pieces_of", "split", "tasks_of"]


def split(
    divisible: Sequence[bool], shots: int, max_circuits: int | None, max_shots: int | None
) -> list[Piece]:
    """The pieces of a job: each shot of each circuit is in one of them.

    Args:
        divisible: for each circuit, whether its shots may be run apart. Where one final state is
            asked for they may not.
        shots: of every circuit; 0 where the results are exact.
        max_circuits: the most circuits of a task; None for no limit.
        max_shots: the most shots of each circuit in a task; None for no limit.
    """
    whole = shots if max_shots is None else min(max_shots, shots)
    pieces: list[Piece] = []
    for numbers in _groups(divisible, max_circuits, apart=whole < shots):
        step = whole if divisible[numbers[0]] else shots
        pieces += [
            Piece(numbers, first, min(step, shots - first))
            for first in range(0, shots or 1, step or 1)
        ]
    return pieces


def _groups(
    divisible: Sequence[bool], max_circuits: int | None, apart: bool
) -> list[tuple[int, ...]]:
    """Groups of consecutive circuits; with ``apart``, no group holds both divisible circuits and
    others."""
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


def pieces_of(part: Part, options: Mapping[str, Any]) -> list[Piece]:
    """The pieces of a part of a job, by the circuits' numbers in the job.

    Args:
        part: programs of the job.
        options: of the job, which say how it is split.
    """
    numbers, programs, context = part
    at_most = options["max_circuits_per_task"]
    pieces = split(
        [divisible(program, context) for program in unbound(programs)],
        context.shots,
        1 if at_most is None and options["executor"] is not None else at_most,
        options["max_shots_per_task"],
    )
    return [
        replace(piece, circuits=tuple([numbers[place] for place in piece.circuits]))
        for piece in pieces
    ]


def tasks_of(
    part: Part, pieces: Iterable[Piece], engine: Engine, address: str, finder: BackendFinder | None
) -> list[Task]:
    """The task of each of some pieces of a part.

    Args:
        part: programs of the job.
        pieces: of the part: each has programs that follow each other.
        engine: runs them.
        address: the name that other processes find the backend by.
        finder: how they find it; None where none is asked.
    """
    programs, context = part.programs, part.context
    places = {number: place for place, number in enumerate(part.numbers)}

    @cache
    def packed(circuits: tuple[int, ...]) -> tuple[Sequence[Program], Callable[[], bytes]]:
        """Programs that tasks of different shots share, and their bytes, packed once."""
        first = places[circuits[0]] if circuits else 0
        some = programs[first : first + len(circuits)]
        return some, cache(lambda: pack(some))

    tasks: list[Task] = []
    for piece in pieces:
        some, as_bytes = packed(piece.circuits)
        if finder is None:
            tasks.append(EngineTask(some, engine, context, piece))
        else:
            tasks.append(remote_task(engine.name, context, piece, as_bytes, address, finder))
    return tasks
