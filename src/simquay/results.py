"""From the outcomes of a run to a ``qiskit.result.Result`` that Qiskit's utilities read.

Counts and memory are hexadecimal: bit ``k`` of a key is classical bit ``k`` of the circuit. The
header says how to print them: ``memory_slots`` digits, with spaces between registers
(``creg_sizes``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from qiskit.quantum_info import Statevector
from qiskit.result.models import ExperimentResult, ExperimentResultData

from simquay.control import Control
from simquay.execution.counting import count_samples, counted_bytes
from simquay.execution.settings import Outcome, RunContext

__all__ = ["circuit_result", "shown_bytes"]

_SHOWN: Mapping[str, Callable[[Any], Any]] = {"statevector": Statevector}
"""By the name of a kind of result: what ``Result.data`` holds for its value; by default itself."""


def circuit_result(
    outcome: Outcome,
    context: RunContext,
    *,
    header: dict[str, Any],
    measured: bool,
    time_taken: float,
    control: Control,
    most_bytes: int | None = None,
) -> ExperimentResult:
    """The result of one circuit.

    Args:
        outcome: of the run, of all shots.
        context: of the run.
        header: the circuit's header; ``memory_slots`` in it is the number of classical bits.
        measured: whether the circuit writes classical bits; otherwise the result has no counts, and
            asking for them raises Qiskit's error.
        time_taken: the seconds that the circuit took.
        control: checked while shots are counted.
        most_bytes: that counts may take; None for no limit.

    Raises:
        Cancelled: if the control says so.
        OutOfMemoryError: if the counts need more than that.
    """
    data: dict[str, Any] = {}
    for kind, value in outcome.results.items():
        if kind == "samples":
            if measured:
                data |= count_samples(
                    value,
                    header["memory_slots"],
                    control,
                    memory=context.memory,
                    most_bytes=most_bytes,
                )
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


def shown_bytes(result: ExperimentResult, bits: int) -> int:
    """Bytes that the counts of a circuit of ``bits`` classical bits take in its result, and the
    memory."""
    memory = getattr(result.data, "memory", ())
    counts = getattr(result.data, "counts", ())
    return counted_bytes(len(counts), bits, bool(memory)) + 9 * len(memory)
