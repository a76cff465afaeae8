"""From the outcomes of a run to a ``qiskit.result.Result`` that Qiskit's utilities read.

Counts and memory are hexadecimal: bit ``k`` of a key is classical bit ``k`` of the circuit. The
header says how to print them: ``memory_slots`` digits, with spaces between registers
(``creg_sizes``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from qiskit.quantum_info import DensityMatrix, Statevector
from qiskit.result import ProbDistribution
from qiskit.result.models import ExperimentResult, ExperimentResultData

from simquay.control import Control
from simquay.execution.branching.saves import Saved
from simquay.execution.counting import count_samples, counted_bytes
from simquay.execution.settings import Outcome, RunContext

__all__ = ["EstimatorGradients", "Gradient", "circuit_result", "shown_bytes"]

_SHOWN: Mapping[str, Callable[[Any], Any]] = {
    "density_matrix": DensityMatrix,
    "statevector": Statevector,
}
"""By the name of a kind of result: what ``Result.data`` holds for its value; by default itself."""


_LEAST_SHOWN = 1e-10
"""Entries of dictionaries are larger than this, as Aer's are."""


class Gradient(NamedTuple):
    """Values of observables, and their derivatives by a circuit's parameters.

    Attributes:
        values: shape ``(*points, *observables)``: first the axes of the parameters' values, then
            those of the observables.
        gradients: shape ``(*points, *observables, parameters)``, in the order of
            ``circuit.parameters``.
    """

    values: NDArray[np.float64]
    gradients: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class EstimatorGradients:
    """The result of a job of :class:`~simquay.gradients.AdjointEstimatorGradient`, with the fields
    of both libraries' ``EstimatorGradientResult``.

    Attributes:
        gradients: of each circuit, by the parameters asked for: float64, shape ``(parameters,)``.
        metadata: for each circuit ``{"parameters": [...]}``.
        precision: 0: the gradients are exact.
        options: empty.
    """

    gradients: list[NDArray[np.float64]]
    metadata: list[dict[str, Any]]
    precision: float = 0.0
    options: Mapping[str, Any] = field(default_factory=dict)


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
            bits = header["memory_slots"]
            data |= {key: _shown_save(saved, bits) for key, saved in value.items()}
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


def _shown_save(saved: Saved, bits: int) -> Any:
    """The data of a save in the form that Aer gives it, of a circuit of ``bits`` classical bits."""
    kind, form, groups = saved
    if None in groups:
        return _shown_group(kind, form, *groups[None])
    return {
        hex(memory or 0) if bits else "": _shown_group(kind, form, *group)
        for memory, group in groups.items()
    }


def _shown_group(kind: str, form: str, number: int, value: Any) -> Any:
    if form != "list":
        return _shown_datum(kind, value / number if form == "average" and number > 1 else value)
    # Shots of one state share one object.
    different = {id(datum): datum for datum in value}
    shown = {name: _shown_datum(kind, datum) for name, datum in different.items()}
    listed = [shown[id(datum)] for datum in value]
    return np.array(listed) if kind == "expectation_value" else listed


def _shown_datum(kind: str, datum: NDArray[Any]) -> Any:
    match kind:
        case "statevector":
            return Statevector(datum)
        case "density_matrix":
            return DensityMatrix(datum)
        case "statevector_dict":
            (places,) = np.nonzero(np.abs(datum) > _LEAST_SHOWN)
            amplitudes = datum[places].astype(np.complex128).tolist()
            return dict(zip(map(hex, places.tolist()), amplitudes, strict=True))
        case "probabilities_dict":
            (places,) = np.nonzero(datum > _LEAST_SHOWN)
            return ProbDistribution(dict(zip(places.tolist(), datum[places].tolist(), strict=True)))
        case "expectation_value":
            return float(datum)
    return datum


def shown_bytes(result: ExperimentResult, bits: int) -> int:
    """Bytes that the counts of a circuit of ``bits`` classical bits take in its result, and the
    memory."""
    memory = getattr(result.data, "memory", ())
    counts = getattr(result.data, "counts", ())
    return counted_bytes(len(counts), bits, bool(memory)) + 9 * len(memory)
