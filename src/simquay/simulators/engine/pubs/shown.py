"""How the outcomes of a pub's points become its ``PubResult``: plain data, one object a pub."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, Union

import numpy as np
from numpy.typing import NDArray
from qiskit.primitives import PubResult, SamplerPubResult
from qiskit.primitives.containers import DataBin

from simquay.execution.settings import Outcome
from simquay.simulators.engine.pubs.bits import RegisterBits
from simquay.simulators.engine.work import joined_metadata

__all__ = [
    "EstimatedShown",
    "ProbabilitiesPubResult",
    "ProbabilitiesShown",
    "SampledShown",
    "Shown",
]

_NOISE = 1
"""Of the normal errors of a pub: a key that no circuit's draws have; see
:mod:`simquay.execution.sampling.randomness`."""


@dataclass(frozen=True, slots=True)
class SampledShown:
    """The result of a sampled pub.

    Attributes:
        shape: of the pub.
        shots: of each point.
        registers: of the circuit.
        metadata: the circuit's.
    """

    shape: tuple[int, ...]
    shots: int
    registers: Sequence[RegisterBits]
    metadata: Any

    def __call__(self, number: int, outcomes: Sequence[Outcome], seed: int) -> PubResult:
        """The result, from the pub's number, the outcomes of its points and the job's seed."""
        metadata = {"simulator_metadata": _simulator_metadata(outcomes)}
        return self.result([one["samples"] for one in outcomes], metadata)

    def result(
        self, samples: Sequence[NDArray[np.uint64]], metadata: Mapping[str, Any]
    ) -> SamplerPubResult:
        """The result, from the samples of each point."""
        data = {one.name: one.array(samples, self.shape, self.shots) for one in self.registers}
        return SamplerPubResult(
            DataBin(**data, shape=self.shape),
            metadata={"shots": self.shots, "circuit_metadata": self.metadata, **metadata},
        )


@dataclass(frozen=True, slots=True)
class ProbabilitiesShown:
    """The exact probabilities of a pub.

    Attributes:
        shape: of the pub.
        registers: of the circuit.
        metadata: the circuit's.
    """

    shape: tuple[int, ...]
    registers: Sequence[RegisterBits]
    metadata: Any

    def __call__(self, number: int, outcomes: Sequence[Outcome], seed: int) -> PubResult:
        """As :class:`SampledShown`."""
        found = [one["probabilities"] for one in outcomes]
        data = {
            one.name: np.array([one.distribution(*point) for point in found]).reshape(
                *self.shape, 1 << len(one.bits)
            )
            for one in self.registers
        }
        metadata = {
            "circuit_metadata": self.metadata,
            "simulator_metadata": _simulator_metadata(outcomes),
        }
        return ProbabilitiesPubResult(
            DataBin(**data, shape=self.shape), metadata, self.registers, found
        )


@dataclass(frozen=True, slots=True, eq=False)
class EstimatedShown:
    """The expectation values of a pub.

    Attributes:
        shape: of the pub.
        places: for each item of the pub's arrays, in C order, the place of its value among the
            values of all points.
        precision: the standard error that is asked for; 0 for exact values.
        metadata: the circuit's.
    """

    shape: tuple[int, ...]
    places: NDArray[np.intp]
    precision: float
    metadata: Any

    def __call__(self, number: int, outcomes: Sequence[Outcome], seed: int) -> PubResult:
        """As :class:`SampledShown`."""
        evs, stds = self._arrays([one["expectation"] for one in outcomes])
        if self.precision:
            sequence = np.random.SeedSequence(seed, spawn_key=(number, _NOISE))
            draws = np.random.Generator(np.random.Philox(sequence))
            lacking = np.sqrt(np.maximum(self.precision**2 - stds**2, 0.0))
            evs += draws.normal(0.0, lacking, evs.shape)
            np.maximum(stds, self.precision, out=stds)
        return self._result(evs, stds, {"simulator_metadata": _simulator_metadata(outcomes)})

    def result(
        self, values: Sequence[NDArray[np.float64]], metadata: Mapping[str, Any]
    ) -> PubResult:
        """The result, from the means and standard errors of each point, shape ``(2, chosen)``."""
        return self._result(*self._arrays(values), metadata)

    def _arrays(
        self, values: Sequence[NDArray[np.float64]]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        every = np.concatenate([np.empty((2, 0)), *values], axis=1)
        both = every[:, self.places].reshape(2, *self.shape)
        return both[0, ...], both[1, ...]

    def _result(
        self, evs: NDArray[np.float64], stds: NDArray[np.float64], metadata: Mapping[str, Any]
    ) -> PubResult:
        return PubResult(
            DataBin(evs=evs, stds=stds, shape=self.shape),
            metadata={
                "target_precision": self.precision,
                "circuit_metadata": self.metadata,
                **metadata,
            },
        )


Shown: TypeAlias = Union[SampledShown, ProbabilitiesShown, EstimatedShown]


def _simulator_metadata(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The figures of a pub's run, from those of its points."""
    return joined_metadata([one.metadata for one in outcomes]) if outcomes else {}


class ProbabilitiesPubResult(PubResult):  # type: ignore[misc]  # Qiskit ships no types
    """The exact probabilities of a pub.

    Args:
        data: arrays of probabilities by register; see :meth:`SamplerV2.probabilities`.
        metadata: of the pub.
        registers: of the circuit.
        points: the joint distribution of each point, as outcomes of all bits and probabilities.
    """

    def __init__(
        self,
        data: DataBin,
        metadata: Mapping[str, Any],
        registers: Sequence[RegisterBits],
        points: Sequence[tuple[NDArray[np.uint64], NDArray[np.float64]]],
    ) -> None:
        super().__init__(data, metadata)
        self._registers = registers
        self._points = points

    def parts(self) -> dict[str, Any]:
        """The arguments that make an equal one, by name."""
        return {
            "data": self.data,
            "metadata": self.metadata,
            "registers": self._registers,
            "points": self._points,
        }

    def joint(self, point: int | tuple[int, ...] = ()) -> dict[str, float]:
        """The probability of each possible outcome of all registers at a point of the pub, which an
        index of the pub's arrays names. The bits are those of ``join_data().get_counts()`` of a
        sampled pub: the first register is on the right."""
        number = int(np.arange(math.prod(self.data.shape)).reshape(self.data.shape)[point])
        outcomes, probabilities = self._points[number]
        every = RegisterBits("", [bit for one in self._registers for bit in one.bits])
        found: dict[str, float] = {}
        bits = every.array([outcomes], (), len(outcomes)).get_bitstrings()
        for key, value in zip(bits, probabilities.tolist(), strict=True):
            found[key] = found.get(key, 0.0) + value
        return found
