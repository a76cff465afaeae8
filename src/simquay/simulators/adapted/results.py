"""The results of adapted jobs: foreign ones, changed to read as every result of Simquay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qiskit import QuantumCircuit
from qiskit.circuit import Gate
from qiskit.result import Result
from qiskit.result.models import ExperimentResultData

from simquay.jobs.errors import JobFailedError

if TYPE_CHECKING:
    from simquay.jobs.job import TaskEnd
    from simquay.simulators.worker import Answer

__all__ = ["JoinAdapted", "has_only_gates", "normalized_result", "writes_bits"]


def writes_bits(circuit: QuantumCircuit) -> bool:
    """Whether the circuit may write a classical bit; only then do its counts say something."""
    if not circuit.num_clbits:
        return False
    return "measure" in circuit.count_ops() or any(
        instruction.clbits and instruction.operation.name != "barrier"
        for instruction in circuit.data
    )


def has_only_gates(circuit: QuantumCircuit) -> bool:
    """Whether a circuit asks for nothing but counts: any other instruction may save data."""
    return all(
        isinstance(one.operation, Gate) or one.name in ("barrier", "delay", "reset")
        for one in circuit.data
    )


def normalized_result(
    result: Result,
    job_id: str,
    *,
    backend_name: str,
    silent: Sequence[bool],
) -> Result:
    """``result`` with the adapted job's id and backend, and no counts where nothing was measured.

    Some backends count zeros where nothing was measured. Asking for such counts shall raise
    Qiskit's error, as it does where there is no classical bit.

    Args:
        result: the foreign result, which is changed.
        job_id: the adapted job's.
        backend_name: the adapted backend's.
        silent: for each circuit of the job, whether it writes no classical bit.
    """
    result.job_id = job_id
    result.backend_name = backend_name
    results = result.results or []
    whole = len(results) == len(silent)
    for index, one in enumerate(results):
        if getattr(one.data, "counts", None) == {} or (whole and silent[index]):
            kept = {name: value for name, value in vars(one.data).items() if name[0] != "_"}
            for name in ("counts", "memory"):
                kept.pop(name, None)
            one.data = ExperimentResultData(**kept)
    return result


@dataclass(frozen=True, slots=True)
class JoinAdapted:
    """Makes the result of an adapted job; see :data:`simquay.jobs.job.Join`.

    Attributes:
        backend_name: the adapted backend's.
        silent: for each circuit, whether it writes no classical bit.
        shots: of the run, or None where the options do not say.
        executor: the class name of the user's executor, or None.
    """

    backend_name: str
    silent: Sequence[bool]
    shots: int | None = None
    executor: str | None = None

    def __call__(self, ends: Sequence[TaskEnd], job_id: str, seconds: float) -> Result:
        """The job's result.

        Raises:
            JobFailedError: the run failed.
        """
        (end,) = ends
        if end.error is not None:
            if self.executor is None:
                raise end.error
            text = f"the job failed: {type(end.error).__name__}: {end.error}"
            raise JobFailedError(text) from end.error
        answer: Answer = end.answer
        failure = answer.value if isinstance(answer.value, JobFailedError) else None
        result = answer.value if failure is None else failure.partial_result
        if result is not None:
            normalized_result(result, job_id, backend_name=self.backend_name, silent=self.silent)
            if self.executor is not None:
                metadata = getattr(result, "metadata", None)
                circuits = [*range(len(self.silent))]
                result._metadata["metadata"] = {
                    **(metadata if isinstance(metadata, Mapping) else {}),
                    "executor": self.executor,
                    "tasks": [answer.report(circuits, 0, self.shots, end.attempts)],
                }
        if failure is not None:
            failure.partial_result = result
            raise failure
        assert result is not None
        return result
