"""The work of one run on an engine: from lowered circuits and options to a Qiskit ``Result``."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qiskit.result import Result

from simquay.engines.base import Engine
from simquay.execution.settings import Outcome, Piece, RunContext
from simquay.jobs.errors import JobFailedError
from simquay.program import Measure, Program, Store
from simquay.program.expressions import VariableRef
from simquay.program.program import walk
from simquay.results import circuit_result
from simquay.simulators.engine.task import EngineTask

if TYPE_CHECKING:
    from qiskit.result.models import ExperimentResult

    from simquay.circuits.info import CircuitInfo
    from simquay.jobs.job import TaskEnd

__all__ = ["Circuit", "EngineRun"]


@dataclass(frozen=True, slots=True)
class Circuit:
    """One circuit of a job: a snapshot that shares nothing with the caller's circuit."""

    program: Program
    info: CircuitInfo


@dataclass(frozen=True, slots=True)
class EngineRun:
    """One run on an engine; builds its results, or its error, from the outcomes of its circuits.

    Attributes:
        circuits: of the run.
        engine: runs them.
        context: of the run.
        backend_name: for the result.
        backend_version: for the result.
    """

    circuits: Sequence[Circuit]
    engine: Engine
    context: RunContext
    backend_name: str
    backend_version: str

    def circuit(self, index: int, outcome: Outcome, seconds: float) -> ExperimentResult:
        """The result of the circuit at ``index``; ``outcome`` is that of all its shots."""
        circuit = self.circuits[index]
        return circuit_result(
            outcome,
            self.context,
            header=circuit.info.header(),
            measured=_writes_bits(circuit.program),
            time_taken=seconds,
        )

    def task(self) -> EngineTask:
        """All of it as one task."""
        programs = [one.program for one in self.circuits]
        piece = Piece(tuple(range(len(programs))), 0, self.context.shots)
        return EngineTask(programs, self.engine, self.context, piece, self.circuit)

    def join(self, ends: Sequence[TaskEnd], job_id: str, seconds: float) -> Result:
        """The job's result, from the end of :meth:`task`; see :data:`simquay.jobs.job.Join`."""
        (end,) = ends
        if end.error is not None:
            return self.result([], dict.fromkeys(range(len(self.circuits)), end.error), job_id, 0)
        results, failures = end.answer.value
        return self.result([*results.values()], failures, job_id, end.answer.seconds)

    def result(
        self,
        results: list[ExperimentResult],
        failures: Mapping[int, BaseException],
        job_id: str,
        seconds: float,
        metadata: Mapping[str, Any] | None = None,
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
                    **(metadata or {}),
                },
            )
        if failures:
            raise self._failure(failures, result)
        assert result is not None
        return result

    def _failure(
        self, failures: Mapping[int, BaseException], partial: Result | None
    ) -> JobFailedError:
        """The job's error: it names the first circuit that failed, and has its error as cause."""
        first = min(failures)
        cause = failures[first]
        text = (
            f"circuit {self.circuits[first].info.name!r} (number {first} of the job) failed: "
            f"{type(cause).__name__}: {cause}"
        )
        if len(failures) > 1:
            text += f"; {len(failures)} of {len(self.circuits)} circuits failed"
        failure = JobFailedError(text, partial)
        failure.__cause__ = cause
        return failure


def _writes_bits(program: Program) -> bool:
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
