"""Values of observables and their gradients, as arrays or as a job."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.primitives import EstimatorPubLike
from qiskit.providers import BackendV2

from simquay.circuits.lowering.angles import NeedsValuesError
from simquay.circuits.lowering.circuit import finite_values, lower_parametric
from simquay.control import Control
from simquay.engines.base import Engine
from simquay.errors import OutOfMemoryError
from simquay.execution.adjoint.backward import (
    Derivatives,
    Site,
    check_gates,
    derivatives,
    points_together,
    required_bytes,
)
from simquay.execution.adjoint.ways import is_noisy
from simquay.execution.memory import ledger_for, over_ceiling
from simquay.execution.settings import RunContext
from simquay.gradients.matrices import program_and_sites
from simquay.jobs.base import BaseJob
from simquay.jobs.dispatch.tasks import MemoryRequest, Task, TaskControl
from simquay.noise.model import NoiseModel
from simquay.primitives.base import taken
from simquay.primitives.observables import fitting, observables_of
from simquay.primitives.pubs import estimator_items, values_of
from simquay.program import Observable, Program
from simquay.provider import default_provider
from simquay.results import Gradient
from simquay.simulators.engine.backend import EngineBackend
from simquay.simulators.inputs import warn_of_no_noise
from simquay.simulators.options import DISPATCH, RunOptionError, resolve

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
    found: Gradient = gradient_job(backend, [(circuit, observables, values)], **options).result()[0]
    return found


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
        The job, submitted. Its memory is reserved before it begins: twice that of a state, and
        three times where a circuit has several observables.

    Raises:
        TypeError, ValueError, ProgramError, RunOptionError: as :func:`value_and_gradient`.
    """
    if backend is None or isinstance(backend, str):
        backend = default_provider().get_backend(backend)
    if not isinstance(backend, EngineBackend):
        raise TypeError(
            f"{backend!r} has no state vector that gradients could be read from: expected a "
            "backend on one of Simquay's engines, or its name"
        )
    context, noise, of_job = resolve(backend.options, options)
    for name in sorted(DISPATCH):
        if of_job[name] is not None:
            raise RunOptionError(
                f"the option {name!r} does not go with gradients, which run in this process as one "
                "task: leave it out"
            )
    context = replace(context, shots=0, memory=False, wanted={})
    hit: set[str] = set()
    items = taken(pubs, estimator_items)
    works = taken(items, lambda item: _work(item[0], item[1], item[2], noise, hit))
    warn_of_no_noise(noise, hit, [circuit for circuit, *_ in items])
    if context.method == "trajectories" and any(work.is_noisy for work in works):
        raise RunOptionError(
            "gradients with noise are those of the density matrix, which is exact: leave out "
            "method='trajectories'"
        )
    task = _GradientTask(works, backend.engine, context, show)
    metadata = {**of_job["metadata"], **backend.what_ran(context)}
    circuits = [pub[0] for pub in pubs] if of_job["keep"] else None
    return backend.submit_here(task, metadata, "gradient", circuits)


class _Part(NamedTuple):
    """Points of one program.

    Attributes:
        program: of gates and channels.
        angles: of the points, shape ``(points, angles)``.
        sites: as :func:`~simquay.execution.adjoint.backward.derivatives` takes them.
    """

    program: Program
    angles: Floats
    sites: Sequence[Site] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Work:
    """The gradients of one circuit.

    Attributes:
        parts: of its points, in order.
        observables: those that differ.
        places: their numbers, in the shape asked for.
        shape: of the points.
        parameters: how many there are.
        pull: gives derivatives by parameters from those by angles, of all points.
    """

    parts: Sequence[_Part]
    observables: Sequence[Observable]
    places: NDArray[np.intp]
    shape: tuple[int, ...]
    parameters: int
    pull: Callable[[Floats], Floats]

    @property
    def is_noisy(self) -> bool:
        """Whether a program of the circuit has channels."""
        return any(is_noisy(part.program) for part in self.parts)

    def batch(self, part: _Part, engine: Engine, context: RunContext) -> tuple[int, int]:
        """How many points of a part run together, and the bytes that they need."""
        count, precision = len(self.observables), context.precision
        size = points_together(part.program, engine, precision, len(part.angles))
        need = required_bytes(part.program, engine, precision, count, size)
        if size > 1 and context.max_bytes is not None and need > context.max_bytes:
            size, need = 1, required_bytes(part.program, engine, precision, count)
        return size, need

    def run(self, engine: Engine, context: RunContext, control: Control) -> Gradient:
        """The values and derivatives; the memory is reserved."""
        found: list[Derivatives] = []
        total, done = sum(len(part.angles) for part in self.parts), 0
        for part in self.parts:
            low, done = done, done + len(part.angles)
            found.append(
                derivatives(
                    part.program,
                    part.angles,
                    self.observables,
                    engine,
                    context.precision,
                    control.section(low / total, done / total),
                    self.batch(part, engine, context)[0],
                    part.sites,
                )
            )
        count = len(self.observables)
        values = np.concatenate([np.empty((0, count)), *[one.values for one in found]])
        slopes = np.zeros((0, count, self.parameters))
        if found:
            slopes = self.pull(np.concatenate([one.slopes for one in found]))
        wanted = (*self.shape, *self.places.shape)
        flat = self.places.ravel()
        return Gradient(
            values[:, flat].reshape(wanted),
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
        own = [program_and_sites(circuit, row, noise, hit) for row in points]
        parts = [_Part(program, np.zeros((1, 0)), sites) for program, sites in own]
        observables = fitting(circuit, every, own[0][0]) if own else every
        return _Work(parts, observables, places, shape, count, lambda slopes: slopes)
    hit |= found
    check_gates(program)
    observables = fitting(circuit, every, program)
    parts = [_Part(program, angles.at(finite_values(circuit, points)))] if len(points) else []

    def pull(slopes: Floats) -> Floats:
        return angles.pulled_back(points, slopes)

    return _Work(parts, observables, places, shape, count, pull)


@dataclass(frozen=True, slots=True, eq=False)
class _GradientTask(Task):
    """The gradients of circuits, one after another.

    Attributes:
        works: of the circuits.
        engine: runs them.
        context: of the run.
        show: gives the answer from the gradients.
    """

    works: Sequence[_Work]
    engine: Engine
    context: RunContext
    show: Callable[[list[Gradient]], Any]

    def _need(self) -> int:
        return max(
            [
                work.batch(part, self.engine, self.context)[1]
                for work in self.works
                for part in work.parts
            ],
            default=0,
        )

    @property
    def needs(self) -> MemoryRequest | None:
        """The memory of the largest batch; None where nothing may run."""
        need = self._need()
        if not need or over_ceiling(need, self.context.max_bytes):
            return None
        return MemoryRequest(ledger_for(self.engine), need, (0,))

    def run(self, control: TaskControl) -> Any:
        """Run all; the memory is reserved.

        Raises:
            OutOfMemoryError: the device never has the memory, or ``max_memory_mb`` does not allow
                it.
            Cancelled: if the control says so.
        """
        need = self._need()
        error = next(iter(control.refused), None) or over_ceiling(need, self.context.max_bytes)
        if error is not None:
            advice = "gradients take two state vectors"
            if any(work.is_noisy for work in self.works):
                advice = (
                    "gradients with noise take two density matrices, of 4**n numbers for n qubits; "
                    "parameter shifts of an estimator with method='trajectories' take state vectors"
                )
            raise OutOfMemoryError(f"{error}; {advice}", needed=need, available=error.available)
        count = len(self.works)
        found = []
        for number, work in enumerate(self.works):
            section = control.section(number / count, (number + 1) / count)
            found.append(work.run(self.engine, self.context, section))
        return self.show(found)
