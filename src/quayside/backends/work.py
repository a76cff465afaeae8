"""The work of one run on an engine: lowered circuits and options in, a Qiskit ``Result`` out."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from quayside.backends.options import Resolved
from quayside.control import Control
from quayside.engines.base import Engine
from quayside.errors import Cancelled, OutOfMemoryError
from quayside.execution.memory import (
    Budget,
    check_ceiling,
    ledger_for,
    required_bytes,
    statevector_bytes,
)
from quayside.execution.outcomes import RunSettings
from quayside.execution.run import run_program
from quayside.jobs.errors import JobFailedError, detach
from quayside.jobs.executors import MemoryRequest
from quayside.program import Measure, Precision, Program, Save, Store
from quayside.program.expressions import VariableRef
from quayside.program.program import walk
from quayside.results import circuit_result, job_result

if TYPE_CHECKING:
    from qiskit.result import Result
    from qiskit.result.models import ExperimentResult

    from quayside.circuits.info import CircuitInfo

__all__ = ["Circuit", "EngineWork"]


@dataclass(frozen=True, slots=True)
class Circuit:
    """One circuit of a job: plain data of our own, nothing of the caller's."""

    program: Program
    info: CircuitInfo


class EngineWork:
    """Runs circuits on an engine, one after another.

    A job reserves the memory of its largest circuit, once. A circuit that can never have its
    memory fails without holding up the others.

    Args:
        circuits: what to run.
        engine: what runs them.
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
        self._failures: dict[int, BaseException] = {}
        self._needs = [_needed_bytes(one.program, engine, options) for one in circuits]
        for index, need in enumerate(self._needs):
            self._check_ceiling(index, need)
        self.memory = self._request()

    def _check_ceiling(self, index: int, need: int) -> None:
        """Fail a circuit that needs more than the options allow."""
        limit = self._options.max_bytes
        if limit is not None and need > limit:
            try:
                check_ceiling(need, limit / 2**20)
            except OutOfMemoryError as error:
                self._failures[index] = detach(error)

    def _request(self) -> MemoryRequest | None:
        needs = [need for index, need in enumerate(self._needs) if index not in self._failures]
        return MemoryRequest(ledger_for(self._engine), max(needs)) if needs else None

    def refuse(self, error: OutOfMemoryError) -> bool:
        """The device will never have the memory asked for: fail the circuits that need so much.

        Returns:
            Whether there is something left to do, with a smaller :attr:`memory`.
        """
        assert self.memory is not None
        for index, need in enumerate(self._needs):
            if need >= self.memory.bytes:
                self._failures.setdefault(index, detach(error))
        self.memory = self._request()
        return self.memory is not None

    def run(self, job_id: str, control: Control) -> Result:
        """Run the circuits; see :class:`quayside.jobs.local.Work`."""
        started = time.perf_counter()
        results: list[ExperimentResult] = []
        count = len(self._circuits)
        for index, circuit in enumerate(self._circuits):
            if index in self._failures:
                continue
            control.check()
            part = control if count == 1 else control.section(index / count, (index + 1) / count)
            try:
                results.append(self._run_circuit(index, circuit, part))
                part.report(1.0)
            except Cancelled:
                raise
            except Exception as error:  # noqa: BLE001  # the job boundary, for each circuit
                self._failures[index] = detach(error)
        taken = time.perf_counter() - started
        result = self._job_result(results, job_id, taken) if results else None
        if self._failures:
            raise self._failure(result)
        assert result is not None
        return result

    def _run_circuit(self, index: int, circuit: Circuit, control: Control) -> ExperimentResult:
        started = time.perf_counter()
        options = self._options
        settings = RunSettings(
            shots=options.shots,
            seed=options.seed,
            circuit=index,
            precision=options.precision,
            statevector=options.statevector,
        )
        budget = Budget(ledger_for(self._engine), options.max_bytes, self._needs[index])
        outcome = run_program(circuit.program, self._engine, settings, control, memory=budget)
        return circuit_result(
            outcome,
            header=circuit.info.header(),
            shots=options.shots,
            seed=options.seed,
            memory=options.memory,
            measured=_writes_bits(circuit.program),
            time_taken=time.perf_counter() - started,
        )

    def _job_result(self, results: list[ExperimentResult], job_id: str, seconds: float) -> Result:
        return job_result(
            results,
            backend_name=self._backend_name,
            backend_version=self._backend_version,
            job_id=job_id,
            time_taken=seconds,
            metadata={"engine": self._engine.name, "device": self._engine.device},
        )

    def _failure(self, partial: Result | None) -> JobFailedError:
        """The job's error: it names the first circuit that failed, and has its error as cause."""
        first = min(self._failures)
        cause = self._failures[first]
        text = (
            f"circuit {self._circuits[first].info.name!r} (number {first} of the job) failed: "
            f"{type(cause).__name__}: {cause}"
        )
        if len(self._failures) > 1:
            text += f"; {len(self._failures)} of {len(self._circuits)} circuits failed"
        failure = JobFailedError(text, partial)
        failure.__cause__ = cause
        return failure


def _needed_bytes(program: Program, engine: Engine, options: Resolved) -> int:
    """Bytes that a run needs: its state, and on the CPU what it hands out as well."""
    need = required_bytes(program, engine, options.precision, statevector=options.statevector)
    if engine.device != "cpu":
        return need
    words = max(1, -(-program.num_clbits // 64))
    # Samples, the numbers drawn for them and a sorted copy; for the memory, an index and a pointer.
    need += options.shots * (24 * words + (16 if options.memory else 0))
    saved = {one.key for one in walk(program.operations) if type(one) is Save}
    need += len(saved) * statevector_bytes(program, options.precision)
    if options.precision is not Precision.DOUBLE:  # Qiskit's Statevector holds double precision
        states = len(saved) + options.statevector
        need += states * statevector_bytes(program, Precision.DOUBLE)
    return need


def _writes_bits(program: Program) -> bool:
    """Whether a run may write a classical bit, so that its counts say something."""
    if not program.num_clbits:
        return False
    # Most circuits end with measurements, so the quick look is at the end.
    if program.operations and type(program.operations[-1]) is Measure:
        return True
    return any(
        isinstance(operation, Measure)
        or (isinstance(operation, Store) and not isinstance(operation.target, VariableRef))
        for operation in walk(program.operations)
    )
