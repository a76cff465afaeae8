"""``EstimatorV2``: expectation values of observables in circuits, at arrays of parameter values."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from qiskit import QuantumCircuit
from qiskit.primitives import BaseEstimatorV2, EstimatorPubLike, PubResult
from qiskit.providers import BackendV2

from simquay.execution.observables.values import Estimates
from simquay.execution.points import unbound
from simquay.execution.settings import RunContext
from simquay.jobs.base import BaseJob
from simquay.jobs.dispatch.tasks import TaskControl
from simquay.primitives.base import Primitive, Start, taken
from simquay.primitives.foreign import Bases, bound_circuits
from simquay.primitives.observables import fitting
from simquay.primitives.pubs import EstimatedPub, estimated_pub
from simquay.program import Observable, Program
from simquay.simulators.engine.backend import EngineBackend
from simquay.simulators.engine.pubs.shown import EstimatedShown

__all__ = ["EstimatorV2"]


class EstimatorV2(Primitive, BaseEstimatorV2):  # type: ignore[misc]  # Qiskit ships no types
    """Qiskit's estimator on any backend.

    Args:
        backend: a backend, or the name of one; None for ``auto``.
        default_precision: of a pub, where neither it nor its run says which; 0 for exact values.
        seed: of the random draws; an int gives the same results in every run.
        options: see :class:`~simquay.primitives.base.Primitive`.
    """

    _default = "default_precision"

    def __init__(
        self,
        backend: BackendV2 | str | None = None,
        *,
        default_precision: float = 0.0,
        seed: int | np.random.Generator | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(backend, default_precision, seed, options)

    @property
    def default_precision(self) -> float:
        """The precision of a pub, where neither it nor its run says which."""
        value: float = self.options["default_precision"]
        return value

    def run(self, pubs: Iterable[EstimatorPubLike], *, precision: float | None = None) -> BaseJob:
        """Estimate expectation values.

        The run uses a snapshot: changing a circuit or an option afterwards has no effect.

        Args:
            pubs: tuples ``(circuit, observables, values of its parameters, precision)`` whose last
                items may be left out, or Qiskit's ``EstimatorPub``.
            precision: of each pub that does not say which; None for :attr:`default_precision`.

        Returns:
            The job, submitted: a
            :class:`~simquay.simulators.engine.pubs.jobs.PrimitiveJob`. The data of a pub
            has the arrays ``evs`` and ``stds``, of the pub's shape. At precision 0 the values are
            exact, those of circuits that measure on their way included, and ``stds`` is 0; unless
            there are too many branches to follow them all: then ``stds`` is the standard error of
            the mean over those that were drawn. At a precision above 0, a normal error is added,
            so that the values have that standard error, and ``stds`` says so.

        Raises:
            TypeError, ValueError: for a wrong pub; the message says which.
            RunOptionError: for a wrong option.
            ProgramError: for a circuit that no engine runs.
        """
        if precision is None:
            precision = self.default_precision
        coerced = taken(pubs, lambda pub: estimated_pub(pub, precision))
        plans = [_Wanted(pub) for pub in coerced]
        if not isinstance(self._backend, EngineBackend):
            return self._estimate_from_shots(coerced, plans)

        def contexts(
            context: RunContext, programs: Sequence[Sequence[Program]]
        ) -> list[RunContext]:
            observables: list[Observable] = []
            chosen: list[tuple[int, ...]] = []
            for pub, wanted, points in zip(coerced, plans, programs, strict=True):
                chosen += wanted.chosen(len(observables))
                some = pub.observables
                if len(points):
                    some = fitting(pub.circuit, some, unbound(points)[0])
                observables += some
            errors = [pub.precision for pub in coerced]
            error = min([one or _ERROR for one in errors], default=_ERROR)
            estimates = Estimates(tuple(observables), tuple(chosen), error, not all(errors))
            exact = replace(context, shots=0, wanted={"expectation": estimates})
            return [exact] * len(coerced)

        shown = [wanted.shown for wanted in plans]
        return self._run_on_engine(self._backend, coerced, contexts, shown, "estimator")

    def _estimate_from_shots(
        self, pubs: Sequence[EstimatedPub], plans: Sequence[_Wanted]
    ) -> BaseJob:
        """A submitted job on a backend that gives shots alone: ``1 / precision**2`` of them for
        each basis that the observables are measured in.

        Raises:
            ValueError: for a precision of 0.
        """
        name = self._backend.name
        for number, pub in enumerate(pubs):
            if not pub.precision:
                raise ValueError(
                    f"pub {number}: the backend {name!r} gives shots, and so no exact values: ask "
                    "for a precision above 0, such as 0.015625 (4096 shots)"
                )

        def start(number: int, run: Start) -> Callable[[TaskControl], PubResult]:
            pub, wanted = pubs[number], plans[number]
            shots = math.ceil(pub.precision**-2)
            chosen = wanted.chosen(0)
            bases = {
                some: Bases([pub.observables[one] for one in some], self._backend)
                for some in dict.fromkeys(chosen)
            }
            circuits: list[QuantumCircuit] = []
            ends = []
            for some, circuit in zip(chosen, bound_circuits(pub.circuit, pub.points), strict=True):
                circuits += bases[some].circuits(circuit)
                ends.append(len(circuits))
            started = run(circuits, shots)
            first_bit = pub.circuit.num_clbits

            def result(control: TaskControl) -> PubResult:
                samples = started.samples(control)
                values = [
                    bases[some].estimates(samples[first:end], first_bit)
                    for some, first, end in zip(chosen, [0, *ends], ends, strict=False)
                ]
                return wanted.shown.result(values, {"shots": shots})

            return result

        return self._run_elsewhere(pubs, start)


_ERROR = 1e-2
"""The standard error of means over trajectories where no precision is asked for; see
:class:`~simquay.execution.observables.values.Estimates`."""


class _Wanted:
    """The values that a pub wants: of which observables at which points, each once.

    Args:
        pub: the pub.

    Attributes:
        shown: how they become the pub's result.
    """

    def __init__(self, pub: EstimatedPub) -> None:
        self._points = len(pub.points)
        self._width = max(len(pub.observables), 1)
        points = np.arange(math.prod(pub.values.shape[:-1])).reshape(pub.values.shape[:-1])
        if pub.places.ndim:
            pairs = points * self._width + pub.places  # broadcast
            self._pairs, places = np.unique(pairs, return_inverse=True)
        else:
            self._pairs, places = points.ravel(), points
        self.shown = EstimatedShown(pub.shape, places.ravel(), pub.precision, pub.metadata)

    def chosen(self, first: int) -> list[tuple[int, ...]]:
        """The numbers of the observables for each point, where that of the pub's first is
        ``first``."""
        numbers = (self._pairs % self._width + first).tolist()
        counts = np.bincount(self._pairs // self._width, minlength=self._points)
        ends = np.cumsum(counts).tolist()
        starts = [0, *ends]
        return [tuple(numbers[start:end]) for start, end in zip(starts, ends, strict=False)]
