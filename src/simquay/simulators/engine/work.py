"""The work of one run on an engine: from lowered circuits and options to a Qiskit ``Result``."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from qiskit.result import Result

from simquay.control import Control
from simquay.engines.base import Engine
from simquay.errors import OutOfMemoryError
from simquay.execution.density.method import method_of
from simquay.execution.kinds import counts_bytes, joined_results, needed_bytes
from simquay.execution.points import unbound
from simquay.execution.results import samples_bytes
from simquay.execution.settings import Outcome, Piece, RunContext
from simquay.jobs.errors import circuits_failed, detach
from simquay.jobs.job import Job
from simquay.program import Measure, Program, Store
from simquay.program.expressions import VariableRef
from simquay.program.program import walk
from simquay.results import circuit_result, shown_bytes
from simquay.simulators.engine.advice import memory_advice
from simquay.simulators.engine.task import EngineTask
from simquay.system.memory import format_bytes

if TYPE_CHECKING:
    from qiskit.result.models import ExperimentResult

    from simquay.circuits.info import CircuitInfo
    from simquay.jobs.job import Join, TaskEnd

__all__ = ["EngineRun", "Part", "gathered", "joined", "joined_metadata", "writes_bits"]


class Part(NamedTuple):
    """Programs of a job that have one context.

    Attributes:
        numbers: of the programs in the job, increasing.
        programs: the programs.
        context: of their run.
    """

    numbers: Sequence[int]
    programs: Sequence[Program]
    context: RunContext


@dataclass(frozen=True, slots=True)
class EngineRun:
    """One run on an engine; builds its results, or its error, from the outcomes of its circuits.

    Attributes:
        programs: of the circuits; they share nothing with the caller's circuits.
        infos: of the circuits, in the same order.
        engine: runs them.
        context: of the run.
        backend_name: for the result.
        backend_version: for the result.
        told: gives another backend's name as messages tell it.
        pieces: of its tasks, where it is split; empty for one task.
        executor: the class name of the user's executor, or None; of a run that is split.
    """

    job_class: ClassVar[type[Job]] = Job

    programs: Sequence[Program]
    infos: Sequence[CircuitInfo]
    engine: Engine
    context: RunContext
    backend_name: str
    backend_version: str
    told: Callable[[str], str]
    pieces: Sequence[Piece] = ()
    executor: str | None = None

    def shower(self) -> Callable[[int, Outcome, float, Control], ExperimentResult]:
        """A function that gives the result of the circuit at an index; its outcome is that of all
        shots. Results are kept: ``max_memory_mb`` holds for all that the function has given, and
        for the samples of parts that wait to be joined."""
        context = self.context
        programs = unbound(self.programs)
        samples = [samples_bytes(one.num_clbits, context.shots) for one in programs]
        kept = sum(samples) if self.pieces else 0

        def circuit(
            index: int, outcome: Outcome, seconds: float, control: Control
        ) -> ExperimentResult:
            nonlocal kept
            program = programs[index]
            if self.pieces:
                kept -= samples[index]
            left = counts_bytes(context, self.engine, program.num_clbits, context.shots)
            made = circuit_result(
                outcome,
                context,
                header=self.infos[index].header(),
                measured=writes_bits(program),
                time_taken=seconds,
                control=control,
                most_bytes=None if left is None else max(left - kept, 0),
            )
            if left is not None:
                kept += shown_bytes(made, program.num_clbits)
            return made

        return circuit

    def of(self, pieces: Sequence[Piece], executor: str | None) -> Join:
        """What joins the answers of tasks of these pieces; for ``executor`` see the class."""
        return replace(self, pieces=pieces, executor=executor).join

    def task(self) -> EngineTask:
        """All of it as one task, which gives results."""
        piece = Piece(tuple(range(len(self.programs))), 0, self.context.shots)
        return EngineTask(self.programs, self.engine, self.context, piece, self.shower())

    def join(self, ends: Sequence[TaskEnd], job_id: str, seconds: float) -> Result:
        """The job's result: the tasks' answers joined in the order of circuits and shots; see
        :data:`simquay.jobs.job.Join`.

        Raises:
            JobFailedError: where a circuit failed; its partial result holds the others.
        """
        failures: dict[int, BaseException] = {}
        if not self.pieces:
            (end,) = ends
            if end.error is not None:
                failures = dict.fromkeys(range(len(self.programs)), end.error)
                return self.result([], failures, job_id, seconds, {})
            results, failures = end.answer.value
            return self.result([*results.values()], failures, job_id, seconds, {})
        parts, failures, tasks = gathered(ends, self.pieces, len(self.programs))
        results, circuit = [], self.shower()
        for number, some in enumerate(parts):
            if number not in failures:
                try:
                    results.append(circuit(number, *joined(some), ends[0].control))
                except OutOfMemoryError as error:
                    failures[number] = detach(error)
        metadata = {"executor": self.executor, "tasks": tasks}
        return self.result(results, failures, job_id, seconds, metadata)

    def result(
        self,
        results: list[ExperimentResult],
        failures: Mapping[int, BaseException],
        job_id: str,
        seconds: float,
        metadata: Mapping[str, Any],
    ) -> Result:
        """The job's result.

        Args:
            results: of the circuits that succeeded, in order.
            failures: the errors of the others, by circuit index.
            job_id: the job's.
            seconds: the time that the work took.
            metadata: added to the result's.

        Raises:
            JobFailedError: where a circuit failed; its partial result holds the others.
        """
        result = None
        if results:
            result = Result(
                backend_name=self.backend_name,
                backend_version=self.backend_version,
                job_id=job_id,
                success=True,
                results=results,
                date=datetime.datetime.now(datetime.timezone.utc).isoformat(),
                status="COMPLETED",
                header=None,
                time_taken=seconds,
                metadata={
                    "engine": self.engine.name,
                    "device": self.engine.device,
                    **metadata,
                },
            )
        if failures:
            names = [info.name for info in self.infos]
            raise circuits_failed(failures, names, result, self._advice(failures))
        assert result is not None
        return result

    def _advice(self, failures: Mapping[int, BaseException]) -> str:
        first = min(failures)
        error = failures[first]
        if not isinstance(error, OutOfMemoryError):
            return ""
        program, precision = self.programs[first], self.context.precision
        if method_of(program, self.context) == "density_matrix":
            context = replace(self.context, method="trajectories")
            need = needed_bytes(program, self.engine, context, context.shots)
            if need > error.available:
                return ""
            return f"method='trajectories' needs {format_bytes(need)}"
        if self.context.wanted:
            return ""
        return memory_advice(program, self.engine, precision, error, self.told)


def writes_bits(program: Program) -> bool:
    """Whether a run may write a classical bit; only then does its result have counts."""
    if not program.num_clbits:
        return False
    # Most circuits end with measurements, so the last operation is looked at first.
    if program.operations and type(program.operations[-1]) is Measure:
        return True
    return any(
        isinstance(operation, Measure)
        or (isinstance(operation, Store) and not isinstance(operation.target, VariableRef))
        for operation in walk(program.operations)
    )


def gathered(
    ends: Sequence[TaskEnd], pieces: Sequence[Piece], count: int
) -> tuple[list[list[tuple[Outcome, float]]], dict[int, BaseException], list[dict[str, Any]]]:
    """The answers of a job's tasks by circuit; taken out of them, so that they are gone when they
    are joined.

    Args:
        ends: of the tasks.
        pieces: of the tasks, in the same order.
        count: of the job's circuits.

    Returns:
        For each circuit the outcomes of its parts and their seconds, in the order of shots; the
        errors of those that failed, by number; and what the result's metadata says of each task.
    """
    parts: list[list[tuple[Outcome, float]]] = [[] for _ in range(count)]
    failures: dict[int, BaseException] = {}
    tasks = []
    for piece, end in zip(pieces, ends, strict=True):
        if end.error is not None:
            failures = dict.fromkeys(piece.circuits, end.error) | failures
            continue
        outcomes, failed = end.answer.value
        failures = failed | failures
        for number in [*outcomes]:
            parts[number].append(outcomes.pop(number))
        place = list(piece.circuits), piece.first_shot, piece.shots
        tasks.append(end.answer.report(*place, end.attempts))
    return parts, failures, tasks


def joined(parts: list[tuple[Outcome, float]]) -> tuple[Outcome, float]:
    """A circuit's outcome and seconds from those of its parts, in the order of their shots; the
    list is emptied."""
    if len(parts) == 1:
        return parts.pop()
    results = [one.results for one, _ in parts]
    metadata = joined_metadata([one.metadata for one, _ in parts])
    seconds = sum(time for _, time in parts)
    parts.clear()
    return Outcome(joined_results(results), metadata), seconds


def joined_metadata(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The sum of times and of the work of trajectories, the largest of other numbers, the first of
    other values."""
    metadata: dict[str, Any] = {}
    for name, value in parts[0].items():
        values = [one.get(name, value) for one in parts]
        if name.endswith("_time") or name in ("trajectories", "evolutions"):
            metadata[name] = sum(values)
        elif isinstance(value, (int, float)):
            metadata[name] = max(values)
        else:
            metadata[name] = value
    return metadata
