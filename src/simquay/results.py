"""From the outcomes of a run to a ``qiskit.result.Result`` that Qiskit's utilities read.

Counts and memory are hexadecimal: bit ``k`` of a key is classical bit ``k`` of the circuit. The
header says how to print them: ``memory_slots`` digits, with spaces between registers
(``creg_sizes``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.quantum_info import Statevector
from qiskit.result.models import ExperimentResult, ExperimentResultData

from simquay.execution.settings import Outcome, RunContext

__all__ = ["circuit_result", "count_samples", "memory_of_samples"]

_SHOWN: Mapping[str, Callable[[Any], Any]] = {"statevector": Statevector}
"""By the name of a kind of result: what ``Result.data`` holds for its value; by default itself."""

_SMALL = 1 << 12
"""The most possible outcomes for which counting in a table is faster than sorting."""


def circuit_result(
    outcome: Outcome,
    context: RunContext,
    *,
    header: dict[str, Any],
    measured: bool,
    time_taken: float,
) -> ExperimentResult:
    """The result of one circuit.

    Args:
        outcome: of the run, of all shots.
        context: of the run.
        header: the circuit's header; ``memory_slots`` in it is the number of classical bits.
        measured: whether the circuit writes classical bits; otherwise the result has no counts, and
            asking for them raises Qiskit's error.
        time_taken: the seconds that the circuit took.
    """
    data: dict[str, Any] = {}
    for kind, value in outcome.results.items():
        if kind == "samples":
            if measured:
                data["counts"] = count_samples(value, header["memory_slots"])
                if context.memory:
                    data["memory"] = memory_of_samples(value)
        elif kind == "saved":
            data |= {key: Statevector(amplitudes) for key, amplitudes in value.items()}
        else:
            data[kind] = _SHOWN[kind](value) if kind in _SHOWN else value
    return ExperimentResult(
        shots=context.shots,
        success=True,
        data=ExperimentResultData(**data),
        status="DONE",
        seed=context.seed,
        header=header,
        seed_simulator=context.seed,  # the attribute that Aer sets
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
