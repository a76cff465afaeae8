"""Jobs split into tasks: which circuits and shots make a task, and one result from all answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from simquay.control import Control
from simquay.engines.base import Engine
from simquay.errors import OutOfMemoryError
from simquay.execution.kinds import divisible, joined_results
from simquay.execution.settings import Outcome, Piece, RunContext
from simquay.jobs.dispatch.launchers import TaskContext
from simquay.jobs.dispatch.threads import MemoryRequest
from simquay.jobs.references import BackendFinder
from simquay.program import Program
from simquay.program.packing import pack_programs
from simquay.simulators.engine.remote import TaskRequest, read_answer, run_request
from simquay.simulators.engine.task import EngineTask, TaskAnswer
from simquay.simulators.engine.work import EngineRun
from simquay.simulators.options import Resolved
from simquay.system.version import simquay_version

if TYPE_CHECKING:
    from qiskit.result import Result

    from simquay.jobs.split import TaskEnd

__all__ = ["SplitEngineWork", "split"]


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


class SplitEngineWork:
    """The work of a split job on an engine; see :class:`simquay.jobs.split.SplitWork`.

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
        pieces = split(
            [divisible(one.program, context) for one in run.circuits],
            context.shots,
            1 if at_most is None and executor is not None else at_most,
            options.max_shots_per_task,
        )
        groups: dict[tuple[int, ...], _Programs] = {}
        self.tasks: list[_Task] = []
        for piece in pieces:
            group = groups.get(piece.circuits)
            if group is None:
                group = groups[piece.circuits] = _Programs(
                    [run.circuits[number].program for number in piece.circuits]
                )
            self.tasks.append(_Task(piece, group, run.engine, context, address, finder))

    def result(self, job_id: str, ends: Sequence[TaskEnd], seconds: float) -> Result:
        """The job's result: the tasks' outcomes joined in the order of circuits and shots.

        Raises:
            JobFailedError: where a circuit failed; its partial result holds the others.
        """
        parts: list[list[tuple[Outcome, float]]] = [[] for _ in self._run.circuits]
        failures: dict[int, BaseException] = {}
        reports = []
        for task, end in zip(self.tasks, ends, strict=True):
            answer: TaskAnswer | None = end.answer
            if answer is None:
                assert end.error is not None
                for number in task.piece.circuits:
                    failures.setdefault(number, end.error)
                continue
            reports.append(_report(task.piece, answer, end.attempts))
            for number, error in answer.failures.items():
                failures.setdefault(number, error)
            for number, part in answer.outcomes.items():
                parts[number].append(part)
        results = [
            self._run.circuit(
                number, _joined([outcome for outcome, _ in some]), sum(time for _, time in some)
            )
            for number, some in enumerate(parts)
            if number not in failures
        ]
        metadata = {"executor": self._executor, "tasks": reports}
        return self._run.result(results, failures, job_id, seconds, metadata)


class _Programs:
    """The programs that tasks of different shots share; packed once."""

    def __init__(self, programs: Sequence[Program]) -> None:
        self.programs = programs
        self._packed: bytes | None = None

    def packed(self) -> bytes:
        """The programs as bytes, for another process."""
        if self._packed is None:
            self._packed = pack_programs(self.programs)
        return self._packed


class _Task:
    """Some shots of some circuits; see :class:`simquay.jobs.dispatch.launchers.SplitTask`."""

    def __init__(
        self,
        piece: Piece,
        group: _Programs,
        engine: Engine,
        context: RunContext,
        address: str,
        finder: BackendFinder | None,
    ) -> None:
        self.piece = piece
        self._group = group
        self._engine = engine
        self._context = context
        self._address = address
        self._finder = finder
        self._here: EngineTask | None = None

    @property
    def memory(self) -> MemoryRequest | None:
        """The memory to reserve before it runs in this process."""
        return self._local().memory

    def refuse(self, error: OutOfMemoryError) -> bool:
        """Fail what needs more memory than the device has; see :meth:`EngineTask.refuse`."""
        return self._local().refuse(error)

    def run(self, control: Control) -> TaskAnswer:
        """Run the task in this process, its memory reserved."""
        return self._local().run(control)

    def request(self, context: TaskContext) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """The call that runs the task in another process: a function and its arguments."""
        request = TaskRequest(
            version=simquay_version(),
            job_id=context.job_id,
            task=context.number,
            attempt=context.attempt,
            backend=self._address,
            engine=self._engine.name,
            context=self._context,
            piece=self.piece,
        )
        return run_request, (self._finder, request.pack(), self._group.packed())

    def read(self, answer: Any) -> TaskAnswer:
        """The answer of :meth:`run`, or of :func:`run_request` in another process."""
        return answer if isinstance(answer, TaskAnswer) else read_answer(answer)

    def _local(self) -> EngineTask:
        if self._here is None:
            self._here = EngineTask(self._group.programs, self._engine, self._context, self.piece)
        return self._here


def _report(piece: Piece, answer: TaskAnswer, attempt: int) -> dict[str, Any]:
    return {
        "circuits": list(piece.circuits),
        "first_shot": piece.first_shot,
        "shots": piece.shots,
        "pid": answer.pid,
        "host": answer.host,
        "attempt": attempt,
        "seconds": answer.seconds,
    }


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
