"""Jobs split into tasks: which circuits and shots make a task."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from simquay.execution.kinds import divisible
from simquay.execution.settings import Piece
from simquay.jobs.dispatch.tasks import Task
from simquay.jobs.references import BackendFinder
from simquay.program import Program
from simquay.program.packing import pack_programs
from simquay.simulators.engine.remote import remote_task
from simquay.simulators.engine.task import EngineTask
from simquay.simulators.engine.work import EngineRun

__all__ = ["split", "split_run"]


def split(
    divisible: Sequence[bool], shots: int, max_circuits: int | None, max_shots: int | None
) -> list[Piece]:
    """The pieces of a job: each shot of each circuit is in one of them.

    Args:
        divisible: for each circuit, whether its shots may be run apart. Where one final state is
            asked for they may not.
        shots: of every circuit.
        max_circuits: the most circuits of a task; None for no limit.
        max_shots: the most shots of each circuit in a task; None for no limit.
    """
    whole = shots if max_shots is None else min(max_shots, shots)
    pieces: list[Piece] = []
    for numbers in _groups(divisible, max_circuits, apart=whole < shots):
        step = whole if divisible[numbers[0]] else shots
        pieces += [
            Piece(numbers, first, min(step, shots - first)) for first in range(0, shots, step)
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


def split_run(
    run: EngineRun, options: Mapping[str, Any], address: str, finder: BackendFinder | None
) -> tuple[EngineRun, list[Task]]:
    """The run split into pieces, and the task of each.

    Args:
        run: of the job, in one piece.
        options: of the job, which say how it is split.
        address: the name that other processes find the backend by.
        finder: how they find it; None where none is asked.
    """
    executor, context = options["executor"], run.context
    at_most = options["max_circuits_per_task"]
    pieces = split(
        [divisible(program, context) for program in run.programs],
        context.shots,
        1 if at_most is None and executor is not None else at_most,
        options["max_shots_per_task"],
    )

    @cache
    def packed(circuits: tuple[int, ...]) -> tuple[list[Program], Callable[[], bytes]]:
        """Programs that tasks of different shots share, and their bytes, packed once."""
        programs = [run.programs[number] for number in circuits]
        return programs, cache(lambda: pack_programs(programs))

    tasks: list[Task] = []
    for piece in pieces:
        programs, as_bytes = packed(piece.circuits)
        if finder is None:
            tasks.append(EngineTask(programs, run.engine, context, piece))
        else:
            tasks.append(remote_task(run, piece, as_bytes, address, finder))
    name = None if executor is None else type(executor).__name__
    return replace(run, pieces=pieces, executor=name), tasks
