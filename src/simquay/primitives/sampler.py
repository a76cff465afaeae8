"""``SamplerV2``: shots of circuits, at arrays of parameter values."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from qiskit.primitives import BaseSamplerV2, PubResult, SamplerPubLike
from qiskit.primitives.containers import DataBin
from qiskit.providers import BackendV2

from simquay.errors import OutOfMemoryError
from simquay.execution.settings import RunContext
from simquay.jobs.base import BaseJob
from simquay.jobs.dispatch.tasks import TaskControl
from simquay.primitives.base import Primitive, Start, taken
from simquay.primitives.foreign import bound_circuits
from simquay.primitives.pubs import SampledPub, sampled_pub
from simquay.simulators.engine.backend import EngineBackend
from simquay.simulators.engine.pubs.bits import RegisterBits, registers_of
from simquay.simulators.engine.pubs.shown import (
    ProbabilitiesPubResult,
    ProbabilitiesShown,
    SampledShown,
)
from simquay.system.memory import format_bytes, host_available_bytes

__all__ = ["ProbabilitiesPubResult", "SamplerV2"]


class SamplerV2(Primitive, BaseSamplerV2):  # type: ignore[misc]  # Qiskit ships no types
    """Qiskit's sampler on any backend.

    Args:
        backend: a backend, or the name of one; None for ``auto``.
        default_shots: of a pub, where neither it nor its run says how many.
        seed: of the random draws; an int gives the same results in every run.
        options: see :class:`~simquay.primitives.base.Primitive`.
    """

    _default = "default_shots"

    def __init__(
        self,
        backend: BackendV2 | str | None = None,
        *,
        default_shots: int = 1024,
        seed: int | np.random.Generator | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(backend, default_shots, seed, options)

    @property
    def default_shots(self) -> int:
        """The shots of a pub, where neither it nor its run says how many."""
        value: int = self.options["default_shots"]
        return value

    def run(self, pubs: Iterable[SamplerPubLike], *, shots: int | None = None) -> BaseJob:
        """Sample circuits.

        The run uses a snapshot: changing a circuit or an option afterwards has no effect.

        Args:
            pubs: circuits, or tuples ``(circuit, values of its parameters, shots)`` whose last
                items may be left out, or Qiskit's ``SamplerPub``.
            shots: of each pub that does not say how many; None for :attr:`default_shots`.

        Returns:
            The job, submitted: a
            :class:`~simquay.simulators.engine.pubs.jobs.PrimitiveJob`. The data of a pub
            has a ``BitArray`` for each classical register, by its name. Point ``p`` of all points
            of the job has the shots that circuit ``p`` of ``backend.run`` has with the same seed.

        Raises:
            TypeError, ValueError: for a wrong pub; the message says which.
            RunOptionError: for a wrong option.
            ProgramError: for a circuit that no engine runs.

        Warns:
            UserWarning: a circuit has no classical register, so its data is empty.
        """
        if shots is None:
            shots = self.default_shots
        coerced = taken(pubs, lambda pub: sampled_pub(pub, shots))
        shown = [
            SampledShown(pub.shape, pub.shots, registers, pub.metadata)
            for pub, registers in zip(coerced, _registers(coerced), strict=True)
        ]
        if not isinstance(self._backend, EngineBackend):

            def start(number: int, run: Start) -> Callable[[TaskControl], PubResult]:
                pub = coerced[number]
                shots = run(bound_circuits(pub.circuit, pub.points), pub.shots)
                return lambda control: shown[number].result(shots.samples(control), {})

            return self._run_elsewhere(coerced, start)
        return self._run_on_engine(
            self._backend,
            coerced,
            lambda context, _: [replace(context, shots=pub.shots) for pub in coerced],
            shown,
            "sampler",
        )

    def probabilities(self, pubs: Iterable[SamplerPubLike]) -> BaseJob:
        """The exact probabilities of what :meth:`run` samples.

        Args:
            pubs: as for :meth:`run`; shots are ignored.

        Returns:
            The job, submitted. The data of a pub has an array for each classical register, by its
            name, of shape ``(*shape, 2**bits)``: the last index is the value of the register. The
            result of a pub is a :class:`ProbabilitiesPubResult`, which has the joint distribution
            of all registers as well. A circuit that measures on its way has the mean over all
            branches; where there are too many of them, the mean over trajectories.

        Raises:
            TypeError, ValueError: for a wrong pub, and for a backend that gives shots alone.
            OutOfMemoryError: the arrays are larger than the memory.

        Warns:
            UserWarning: a circuit has no classical register, so its data is empty.
        """
        coerced = taken(pubs, lambda pub: sampled_pub(pub, 1))
        registers = _registers(coerced)
        backend = self._backend
        if not isinstance(backend, EngineBackend):
            raise ValueError(
                f"the backend {backend.name!r} gives shots, and so no exact probabilities: "
                "ask an engine, such as SamplerV2('cpu')"
            )
        available = host_available_bytes()
        for number, (pub, some) in enumerate(zip(coerced, registers, strict=True)):
            need = 8 * math.prod(pub.shape) * sum(1 << min(len(one.bits), 99) for one in some)
            if need > available:
                widest = max(some, key=lambda one: len(one.bits))
                raise OutOfMemoryError(
                    f"pub {number}: the probabilities of {widest.name!r}, a register of "
                    f"{len(widest.bits)} bits, and of the others take {format_bytes(need)}, but "
                    f"this machine has only {format_bytes(available)} available; measure into "
                    "smaller registers, or sample",
                    needed=need,
                    available=available,
                )

        shown = [
            ProbabilitiesShown(pub.shape, some, pub.metadata)
            for pub, some in zip(coerced, registers, strict=True)
        ]

        def contexts(context: RunContext, programs: Sequence[Any]) -> list[RunContext]:
            exact = replace(context, shots=0, wanted={"probabilities": True})
            return [exact] * len(coerced)

        return self._run_on_engine(backend, coerced, contexts, shown, "probabilities")


def _registers(pubs: Sequence[SampledPub]) -> list[list[RegisterBits]]:
    """The classical registers of each pub.

    Raises:
        ValueError: for a name that Qiskit's ``DataBin`` needs itself.

    Warns:
        UserWarning: a circuit has none; in the name of the caller's caller.
    """
    registers = [registers_of(pub.circuit) for pub in pubs]
    for number, some in enumerate(registers):
        for one in some:
            if hasattr(DataBin, one.name):
                raise ValueError(
                    f"pub {number}: the classical register {one.name!r} has the name of an "
                    "attribute of Qiskit's DataBin, which holds the results: rename it"
                )
    if empty := [number for number, some in enumerate(registers) if not some]:
        warnings.warn(
            f"pub {empty[0]}: its circuit has no classical registers, so its result will be "
            "empty. Did you mean to add measurement instructions?",
            stacklevel=3,
        )
    return registers
