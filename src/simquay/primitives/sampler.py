"""``SamplerV2``: shots of circuits, at arrays of parameter values."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from qiskit.primitives import BaseSamplerV2, SamplerPubLike, SamplerPubResult
from qiskit.primitives.containers import DataBin
from qiskit.providers import BackendV2

from simquay.execution.settings import Outcome, RunContext
from simquay.jobs.base import BaseJob
from simquay.jobs.dispatch.tasks import TaskControl
from simquay.primitives.base import Primitive, Start, simulator_metadata, taken
from simquay.primitives.bits import registers_of
from simquay.primitives.foreign import bound_circuits
from simquay.primitives.pubs import sampled_pub
from simquay.simulators.engine.backend import EngineBackend

__all__ = ["SamplerV2"]


class SamplerV2(Primitive, BaseSamplerV2):  # type: ignore[misc]  # Qiskit ships no types
    """Qiskit's sampler on any backend.

    Attributes:
        default_shots: of a pub, where neither it nor its run says how many.

    Args:
        backend: a backend, or the name of one; None for ``auto``.
        default_shots: see above.
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
        self.default_shots = default_shots
        super().__init__(backend, seed=seed, options=options)

    def run(self, pubs: Iterable[SamplerPubLike], *, shots: int | None = None) -> BaseJob:
        """Sample circuits.

        The run uses a snapshot: changing a circuit or an option afterwards has no effect.

        Args:
            pubs: circuits, or tuples ``(circuit, values of its parameters, shots)`` whose last
                items may be left out, or Qiskit's ``SamplerPub``.
            shots: of each pub that does not say how many; None for :attr:`default_shots`.

        Returns:
            The job, submitted: a :class:`~simquay.primitives.jobs.PrimitiveJob`. The data of a pub
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
        registers = [registers_of(pub.circuit) for pub in coerced]
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
                stacklevel=2,
            )

        def result(number: int, samples: Any, metadata: Mapping[str, Any]) -> SamplerPubResult:
            pub = coerced[number]
            data = {one.name: one.array(samples, pub.shape, pub.shots) for one in registers[number]}
            return SamplerPubResult(
                DataBin(**data, shape=pub.shape),
                metadata={"shots": pub.shots, "circuit_metadata": pub.metadata, **metadata},
            )

        if not isinstance(self._backend, EngineBackend):

            def start(number: int, run: Start) -> Callable[[TaskControl], SamplerPubResult]:
                pub = coerced[number]
                shots = run(bound_circuits(pub.circuit, pub.points), pub.shots)
                return lambda control: result(number, shots.samples(control), {})

            return self._run_elsewhere(coerced, start)

        def show(number: int, outcomes: list[Outcome], context: RunContext) -> SamplerPubResult:
            samples = [one["samples"] for one in outcomes]
            metadata = {"simulator_metadata": simulator_metadata(outcomes)}
            return result(number, samples, metadata)

        return self._run_on_engine(
            self._backend,
            coerced,
            lambda context: [replace(context, shots=pub.shots) for pub in coerced],
            show,
        )
