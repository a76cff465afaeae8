"""Foreign results, changed to read as every result of Simquay."""

from __future__ import annotations

from collections.abc import Sequence

from qiskit import QuantumCircuit
from qiskit.result import Result
from qiskit.result.models import ExperimentResult, ExperimentResultData

__all__ = ["normalized_result", "writes_bits"]


def writes_bits(circuit: QuantumCircuit) -> bool:
    """Whether the circuit may write a classical bit; only then do its counts say something."""
    if not circuit.num_clbits:
        return False
    return "measure" in circuit.count_ops() or any(
        instruction.clbits and instruction.operation.name != "barrier"
        for instruction in circuit.data
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
            _drop_counts(one)
    return result


def _drop_counts(one: ExperimentResult) -> None:
    kept = {name: value for name, value in vars(one.data).items() if not name.startswith("_")}
    for name in ("counts", "memory"):
        kept.pop(name, None)
    one.data = ExperimentResultData(**kept)
