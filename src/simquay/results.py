"""From the outcomes of a run to a ``qiskit.result.Result`` that Qiskit's utilities read.

Counts and memory are hexadecimal: bit ``k`` of a key is classical bit ``k`` of the circuit. The
header says how to print them: ``memory_slots`` digits, with spaces between registers
(``creg_sizes``).
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.quantum_info import Statevector
from qiskit.result import Result
from qiskit.result.models import ExperimentResult, ExperimentResultData

from simquay.execution.settings import Outcome

__all__ = ["circuit_result", "count_samples", "job_result", "memory_of_samples"]

_SMALL = 1 << 12
"""The most possible outcomes for which counting in a table is faster than sorting."""


def job_result(
    results: Sequence[ExperimentResult],
    *,
    backend_name: str,
    backend_version: str,
    job_id: str,
    time_taken: float,
    metadata: Mapping[str, Any],
) -> Result:
    """The result of a job whose circuits all succeeded.

    Args:
        results: of :func:`circuit_result`, one a circuit, in order.
        backend_name: the name of the backend.
        backend_version: its version.
        job_id: the job's id.
        time_taken: seconds from the start of the job's work to its end.
        metadata: of the whole run; plain values.
    """
    return Result(
        backend_name=backend_name,
        backend_version=backend_version,
        job_id=job_id,
        success=True,
        results=list(results),
        date=datetime.datetime.now(datetime.timezone.utc).isoformat(),
        status="COMPLETED",
        header=None,
        time_taken=time_taken,
        metadata=dict(metadata),
    )


def circuit_result(
    outcome: Outcome,
    *,
    header: dict[str, Any],
    shots: int,
    seed: int,
    memory: bool,
    measured: bool,
    time_taken: float,
) -> ExperimentResult:
    """The result of one circuit.

    Args:
        outcome: of the run.
        header: the circuit's header; ``memory_slots`` in it is the number of classical bits.
        shots: the number of shots.
        seed: the job's seed.
        memory: whether to keep every shot's outcome.
        measured: whether the circuit writes classical bits; otherwise the result has no counts, and
            asking for them raises Qiskit's error.
        time_taken: the seconds that the circuit took.
    """
    data: dict[str, Any] = {}
    if measured:
        samples, bits = outcome.samples, header["memory_slots"]
        data["counts"] = count_samples(samples, bits)
        if memory:
            data["memory"] = memory_of_samples(samples)
    for key, amplitudes in outcome.saved.items():
        data[key] = Statevector(amplitudes)
    if outcome.statevector is not None:
        data["statevector"] = Statevector(outcome.statevector)
    return ExperimentResult(
        shots=shots,
        success=True,
        data=ExperimentResultData(**data),
        status="DONE",
        seed=seed,
        header=header,
        seed_simulator=seed,  # the attribute that Aer sets
        time_taken=time_taken,
        metadata=dict(outcome.metadata),
    )


def count_samples(samples: NDArray[np.uint64], bits: int) -> dict[str, int]:
    """The number of shots with each outcome, by hexadecimal key, in increasing order of outcomes.

    Args:
        samples: shape ``(shots, words)``: classical bit ``k`` is bit ``k % 64`` of word
            ``k // 64``.
        bits: the number of classical bits.
    """
    if samples.shape[1] > 1:
        rows, counts = np.unique(samples[:, ::-1], axis=0, return_counts=True)
        return dict(zip(map(_wide_hex, rows[:, ::-1]), counts.tolist(), strict=True))
    words = samples[:, 0]
    if bits < 63 and 1 << bits <= min(_SMALL, 4 * len(words)):
        table = np.bincount(words.astype(np.intp))
        values = table.nonzero()[0]
        counts = table[values]
    else:
        values, counts = np.unique(words, return_counts=True)
    return dict(zip(map(hex, values.tolist()), counts.tolist(), strict=True))


def memory_of_samples(samples: NDArray[np.uint64]) -> list[str]:
    """Each shot's outcome as a hexadecimal string; equal outcomes share one string.

    Args:
        samples: as for :func:`count_samples`.
    """
    if samples.shape[1] > 1:
        rows, which = np.unique(samples, axis=0, return_inverse=True)
        names = list(map(_wide_hex, rows))
    else:
        values, which = np.unique(samples[:, 0], return_inverse=True)
        names = list(map(hex, values.tolist()))
    strings: list[str] = np.array(names, dtype=object)[which.reshape(-1)].tolist()
    return strings


def _wide_hex(words: NDArray[np.uint64]) -> str:
    """The words of one outcome, lowest first, as one hexadecimal number."""
    return hex(int.from_bytes(words.astype("<u8").tobytes(), "little"))
