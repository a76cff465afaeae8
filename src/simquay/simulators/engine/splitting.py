"""Jobs split into tasks: which circuits and shots make a task, and one result from all answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from simquay.execution.kinds import divisible, joined_results
from simquay.execution.settings import Outcome, Piece
from simquay.jobs.references import BackendFinder
from simquay.program import Program
from simquay.program.packing import pack_programs
from simquay.simulators.engine.remote import PortableTask
from simquay.simulators.engine.task import EngineTask
from simquay.simulators.engine.work import EngineRun
from simquay.simulators.options import Resolved

if TYPE_CHECKING:
    from qiskit.result import Result

    from simquay.jobs.job import TaskEnd

__all__ = ["SplitRun", "split"]


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


class SplitRun:
    """A run on an engine, split into tasks; it joins their answers.

    Attributes:
        tasks: the tasks.

    Args:
        run: of the job.
        options: how it is split.
        address: the name that other processes find the backend by.
        finder: how they find it; None where none is asked.
    """

    def __init__(
        self, run: EngineRun, options: Resolved, address: str, finder: BackendFinder | None
    ) -> None:
        self._run = run
        executor, context = options.executor, run.context
        self._executor = None if executor is None else type(executor).__name__
        at_most = options.max_circuits_per_task
        self._pieces = split(
            [divisible(one.program, context) for one in run.circuits],
            context.shots,
            1 if at_most is None and executor is not None else at_most,
            options.max_shots_per_task,
        )

        @cache
        def packed(circuits: tuple[int, ...]) -> tuple[list[Program], Callable[[], bytes]]:
            """Programs that tasks of different shots share, and their bytes, packed once."""
            programs = [run.circuits[number].program for number in circuits]
            return programs, cache(lambda: pack_programs(programs))

        self.tasks: list[EngineTask] = []
        for piece in self._pieces:
            programs, as_bytes = packed(piece.circuits)
            parts = programs, run.engine, context, piece
            self.tasks.append(
                EngineTask(*parts)
                if finder is None
                else PortableTask(*parts, packed=as_bytes, address=address, finder=finder)
            )

    def join(self, ends: Sequence[TaskEnd], job_id: str, seconds: float) -> Result:
        """The job's result: the tasks' outcomes joined in the order of circuits and shots.

        Raises:
            JobFailedError: where a circuit failed; its partial result holds the others.
        """
        parts: list[list[tuple[Outcome, float]]] = [[] for _ in self._run.circuits]
        failures: dict[int, BaseException] = {}
        reports = []
        for piece, end in zip(self._pieces, ends, strict=True):
            if end.error is not None:
                failures = dict.fromkeys(piece.circuits, end.error) | failures
                continue
            outcomes, failed = end.answer.value
            failures = failed | failures
            for number, part in outcomes.items():
                parts[number].append(part)
            circuits = list(piece.circuits)
            reports.append(end.answer.report(circuits, piece.first_shot, piece.shots, end.attempts))
        results = [
            self._run.circuit(
                number, _joined([outcome for outcome, _ in some]), sum(time for _, time in some)
            )
            for number, some in enumerate(parts)
            if number not in failures
        ]
        metadata = {"executor": self._executor, "tasks": reports}
        return self._run.result(results, failures, job_id, seconds, metadata)


def _joined(parts: Sequence[Outcome]) -> Outcome:
    """One circuit's outcome from its parts, in the order of their shots."""
    if len(parts) == 1:
        return parts[0]
    return Outcome(
        joined_results([one.results for one in parts]),
        _joined_metadata([one.metadata for one in parts]),
    )


def _joined_metadata(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The sum of times, the largest of other numbers, the first of other values."""
    joined: dict[str, Any] = {}
    for name, value in parts[0].items():
        values = [one.get(name, value) for one in parts]
        if name.endswith("_time"):
            joined[name] = sum(values)
        elif isinstance(value, (int, float)):
            joined[name] = max(values)
        else:
            joined[name] = value
    return joined
