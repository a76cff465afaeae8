"""Values of observables and their gradients, as arrays or as a job."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.primitives import EstimatorPubLike
from qiskit.providers import BackendV2

from simquay.circuits.lowering.angles import NeedsValuesError
from simquay.circuits.lowering.circuit import lower_parametric
from simquay.circuits.parameters import finite_values
from simquay.errors import SimquayError
from simquay.execution.adjoint.backward import Derivatives, check_gates
from simquay.execution.adjoint.ways import is_noisy
from simquay.execution.settings import RunContext
from simquay.gradients.matrices import program_and_sites
from simquay.gradients.task import GradientTask, Share, is_short, split, tasks_of
from simquay.jobs.base import BaseJob
from simquay.jobs.dispatch.tasks import TaskControl, reserved
from simquay.jobs.errors import JobFailedError, described
from simquay.jobs.job import TaskEnd
from simquay.noise.model import NoiseModel
from simquay.primitives.base import taken
from simquay.primitives.observables import fitting, observables_of
from simquay.primitives.pubs import estimator_items, values_of
from simquay.provider import default_provider
from simquay.results import Gradient
from simquay.simulators.engine.backend import EngineBackend
from simquay.simulators.inputs import warn_of_no_noise
from simquay.simulators.options import RunOptionError, resolve

__all__ = ["Gradient", "gradient_job", "jacobian", "value_and_gradient"]

Floats = NDArray[np.float64]


def value_and_gradient(
    backend: BackendV2 | str | None,
    circuit: QuantumCircuit,
    observables: Any,
    values: Any = None,
    **options: Any,
) -> Gradient:
    """The exact values of observables and their gradients by the adjoint method.

    Args:
        backend: on one of Simquay's engines, or its name; None for the best one.
        circuit: of gates, and channels.
        observables: one, or nested lists of them, as the estimator takes them.
        values: of the circuit's parameters: an array of shape ``(..., parameters)``, or a mapping,
            as the estimator takes them.
        options: run options, over those of the backend, such as ``precision``,
            ``max_memory_mb`` and ``noise_model``.

    Raises:
        TypeError, ValueError: for wrong observables or values, and another backend.
        ProgramError: for a circuit that has anything but gates and channels, or no gradient.
        RunOptionError: for a wrong option.
        JobFailedError: if the run fails, as for lack of memory.
    """
    asked = _Asked.of(backend, [(circuit, observables, values)], options)
    if not asked.is_short:
        found: Gradient = asked.job(list).result()[0]
        return found
    # A hand-over to another thread would take as long as the work.
    (part,) = asked.parts
    task, control = GradientTask(part, asked.backend.engine, asked.context), TaskControl()
    try:
        with reserved(task.needs, control):
            answer = task.run(control)
    except SimquayError as error:
        raise JobFailedError(described(error)) from error
    return asked.works[0].gradient(iter(answer.value))


def jacobian(
    backend: BackendV2 | str | None,
    circuit: QuantumCircuit,
    observables: Any,
    values: Any = None,
    **options: Any,
) -> Floats:
    """The derivatives of all ``observables`` by all parameters, shape ``(*points, *observables,
    parameters)``; for arguments and errors see :func:`value_and_gradient`.

    The circuit is run once a point, and taken back once for each observable.
    """
    return value_and_gradient(backend, circuit, observables, values, **options).gradients


def gradient_job(
    backend: BackendV2 | str | None,
    pubs: Iterable[EstimatorPubLike],
    *,
    show: Callable[[list[Gradient]], Any] = list,
    **options: Any,
) -> BaseJob:
    """The same for several circuits, as a job: its result is a list of :class:`Gradient`.

    Args:
        backend: as for :func:`value_and_gradient`.
        pubs: tuples ``(circuit, observables, values)``, or Qiskit's ``EstimatorPub``.
        show: gives another result from that list.
        options: as for :func:`value_and_gradient`.

    Returns:
        The job, submitted. The memory of each task is reserved before it begins: twice that of a
        state, and three times where a circuit has several observables. The options ``executor`` and
        ``max_circuits_per_task`` split the job by points.

    Raises:
        TypeError, ValueError, ProgramError, RunOptionError: as :func:`value_and_gradient`.
    """
    return _Asked.of(backend, pubs, options).job(show)


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """Gradients of several circuits, with all that is wrong in the arguments found.

    Attributes:
        backend: runs them.
        context: of the run.
        of_job: the other options.
        circuits: as the caller gave them.
        works: of the circuits.
        parts: the shares of each task.
    """

    backend: EngineBackend
    context: RunContext
    of_job: dict[str, Any]
    circuits: Sequence[QuantumCircuit]
    works: Sequence[_Work]
    parts: Sequence[Sequence[Share]]

    @classmethod
    def of(
        cls,
        backend: BackendV2 | str | None,
        pubs: Iterable[EstimatorPubLike],
        options: Mapping[str, Any],
    ) -> _Asked:
        """Read the arguments of :func:`gradient_job`, which says what they raise."""
        if backend is None or isinstance(backend, str):
            backend = default_provider().get_backend(backend)
        if not isinstance(backend, EngineBackend):
            raise TypeError(
                f"{backend!r} has no state vector that gradients could be read from: expected a "
                "backend on one of Simquay's engines, or its name"
            )
        context, noise, of_job = resolve(backend.options, options)
        context = replace(context, shots=0, memory=False, wanted={})
        hit: set[str] = set()
        items = taken(pubs, estimator_items)
        works = taken(items, lambda item: _work(item[0], item[1], item[2], noise, hit))
        circuits = [circuit for circuit, *_ in items]
        warn_of_no_noise(noise, hit, circuits)
        if context.method == "trajectories" and any(work.is_noisy for work in works):
            raise RunOptionError(
                "gradients with noise are those of the density matrix, which is exact: leave out "
                "method='trajectories'"
            )
        most = of_job["max_circuits_per_task"]
        if of_job["executor"] is not None and most is None:
            most = 1
        parts = split([share for work in works for share in work.shares], most)
        return cls(backend, context, of_job, circuits, works, parts)

    @property
    def is_short(self) -> bool:
        """Whether it is a millisecond's work for this thread."""
        is_plain = self.of_job["executor"] is None and not self.of_job["keep"]
        return is_plain and len(self.parts) == 1 and is_short(self.parts[0], self.backend.engine)

    def job(self, show: Callable[[list[Gradient]], Any]) -> BaseJob:
        """The job, submitted; ``show`` gives its result."""
        works, of_job = self.works, self.of_job

        def join(ends: Sequence[TaskEnd], job_id: str, seconds: float) -> Any:
            for end in ends:
                if end.error is not None:
                    raise end.error
            found = iter([one for end in ends for one in end.answer.value])
            return show([work.gradient(found) for work in works])

        return self.backend.submit_tasks(
            partial(tasks_of, self.parts, self.backend.engine, self.context),
            join,
            of_job["executor"],
            {**of_job["metadata"], **self.backend.what_ran(self.context)},
            "gradient",
            self.circuits if of_job["keep"] else None,
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Work:
    """The gradients of one circuit.

    Attributes:
        shares: its points, in order.
        places: the numbers of the observables that differ, in the shape asked for.
        shape: of the points.
        parameters: how many there are.
        pull: gives derivatives by parameters from those by angles, of all points.
    """

    shares: Sequence[Share]
    places: NDArray[np.intp]
    shape: tuple[int, ...]
    parameters: int
    pull: Callable[[Floats], Floats]

    @property
    def is_noisy(self) -> bool:
        """Whether a program of the circuit has channels."""
        return any(is_noisy(share.program) for share in self.shares)

    def gradient(self, found: Iterator[Derivatives]) -> Gradient:
        """The values and derivatives; those of its points are taken from ``found``."""
        count, left = int(self.places.max(initial=-1)) + 1, sum(map(_points, self.shares))
        values = [np.zeros((0, count))]
        slopes = np.zeros((0, count, self.parameters))
        by_angles = []
        while left:
            one = next(found)
            values.append(one.values)
            by_angles.append(one.slopes)
            left -= len(one.values)
        if by_angles:
            slopes = self.pull(np.concatenate(by_angles))
        wanted = (*self.shape, *self.places.shape)
        flat = self.places.ravel()
        return Gradient(
            np.concatenate(values)[:, flat].reshape(wanted),
            slopes[:, flat].reshape(*wanted, self.parameters),
        )


def _work(
    circuit: QuantumCircuit, given: Any, bindings: Any, noise: NoiseModel | None, hit: set[str]
) -> _Work:
    """The work of a pub ``(circuit, given observables, bindings)``; ``hit`` is as for
    :func:`~simquay.circuits.lowering.circuit.lower`."""
    every, places = observables_of(circuit, given)
    values = values_of(circuit, bindings)
    shape, count = values.shape[:-1], values.shape[-1]
    points = values.reshape(math.prod(shape), count)
    if not every:
        points = points[:0]
    try:
        program, angles, found = lower_parametric(circuit, noise)
    except NeedsValuesError:
        rows = finite_values(circuit, points)
        own = [program_and_sites(circuit, row, noise, hit) for row in rows]
        observables = fitting(circuit, every, own[0][0]) if own else every
        shares = [
            Share(program, angles.at(row[None]), observables, sites)
            for row, (program, angles, sites) in zip(rows, own, strict=True)
        ]

        def pull_each(slopes: Floats) -> Floats:
            pulled = [
                angles.pulled_back(row[None], slope[None])
                for row, slope, (_, angles, _) in zip(rows, slopes, own, strict=True)
            ]
            return np.concatenate(pulled)

        return _Work(shares, places, shape, count, pull_each)
    hit |= found
    check_gates(program)
    observables = fitting(circuit, every, program)
    shares = []
    if len(points):
        shares = [Share(program, angles.at(finite_values(circuit, points)), observables)]

    def pull(slopes: Floats) -> Floats:
        return angles.pulled_back(points, slopes)

    return _Work(shares, places, shape, count, pull)


def _points(share: Share) -> int:
    return len(share.angles)
