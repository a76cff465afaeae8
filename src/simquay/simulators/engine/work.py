"""The work of one run on an engine: from lowered circuits and options to a Qiskit ``Result``."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simquay.control import Control
from simquay.engines.base import Engine
from simquay.errors import OutOfMemoryError
from simquay.execution.settings import Outcome
from simquay.jobs.dispatch.threads import MemoryRequest
from simquay.jobs.errors import JobFailedError
from simquay.program import Measure, Program, Store
from simquay.program.expressions import VariableRef
from simquay.program.program import walk
from simquay.results import circuit_result, job_result
from simquay.simulators.engine.task import EngineTask, IndexedProgram
from simquay.simulators.options import Resolved

if TYPE_CHECKING:
    from qiskit.result import Result
    from qiskit.result.models import ExperimentResult

    from simquay.circuits.info import CircuitInfo

__all__ = ["Circuit", "EngineWork", "ResultBuilder"]


@dataclass(frozen=True, slots=True)
class Circuit:
    """One circuit of a job: a snapshot that shares nothing with the caller's circuit."""

    program: Program
    info: CircuitInfo


class ResultBuilder:
    """Builds the results, or the error, of one run from the outcomes of its circuits.

    Args:
        circuits: of the run.
        engine: runs them.
        options: of the run.
        backend_name: for the result.
        backend_version: for the result.
    """

    def __init__(
        self,
        circuits: Sequence[Circuit],
        engine: Engine,
        options: Resolved,
        *,
        backend_name: str,
        backend_version: str,
    ) -> None:
        self._circuits = circuits
        self._engine = engine
        self._options = options
        self._backend_name = backend_name
        self._backend_version = backend_version

    def circuit(self, index: int, outcome: Outcome, seconds: float) -> ExperimentResult:
        """The result of the circuit at ``index``; ``outcome`` is that of all its shots."""
        circuit, options = self._circuits[index], self._options
        return circuit_result(
            outcome,
            header=circuit.info.header(),
            shots=options.shots,
            seed=options.seed,
            memory=options.memory,
            measured=_writes_bits(circuit.program),
            time_taken=seconds,
        )

    def job(
        self,
        results: Sequence[ExperimentResult],
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
            result = job_result(
                results,
                backend_name=self._backend_name,
                backend_version=self._backend_version,
                job_id=job_id,
                time_taken=seconds,
                metadata={
                    "engine": self._engine.name,
                    "device": self._engine.device,
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
            f"circuit {self._circuits[first].info.name!r} (number {first} of the job) failed: "
            f"{type(cause).__name__}: {cause}"
        )
        if len(failures) > 1:
            text += f"; {len(failures)} of {len(self._circuits)} circuits failed"
        failure = JobFailedError(text, partial)
        failure.__cause__ = cause
        return failure


class EngineWork:
    """Runs all circuits of a job on an engine; see :class:`EngineTask` for how.

    Args:
        circuits: of the run.
        engine: runs them.
        options: of the run.
        backend_name: for the result.
        backend_version: for the result.
    """

    def __init__(
        self,
        circuits: Sequence[Circuit],
        engine: Engine,
        options: Resolved,
        *,
        backend_name: str,
        backend_version: str,
    ) -> None:
        self._builder = ResultBuilder(
            circuits,
            engine,
            options,
            backend_name=backend_name,
            backend_version=backend_version,
        )
        programs = [IndexedProgram(index, one.program) for index, one in enumerate(circuits)]
        self._task = EngineTask(programs, engine, options)

    @property
    def memory(self) -> MemoryRequest | None:
        """The memory to reserve before it runs; see :class:`EngineTask`."""
        return self._task.memory

    def refuse(self, error: OutOfMemoryError) -> bool:
        """Fail what needs more memory than the device has; see :meth:`EngineTask.refuse`."""
        return self._task.refuse(error)

    def run(self, job_id: str, control: Control) -> Result:
        """Run the circuits; see :class:`simquay.jobs.local.Work`."""
        began = time.perf_counter()

        def finish(index: int, outcome: Outcome, started: float) -> ExperimentResult:
            return self._builder.circuit(index, outcome, time.perf_counter() - started)

        results = self._task.run_each(control, finish)
        taken = time.perf_counter() - began
        return self._builder.job(results, self._task.failures, job_id, taken)


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
