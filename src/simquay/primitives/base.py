"""The parts that the primitives have in common: their backend, their options, and their jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import numpy as np
from qiskit import QuantumCircuit
from qiskit.primitives import PubResult
from qiskit.providers import BackendV2, Options

from simquay.circuits.lowering.circuit import lower_points
from simquay.execution.points import Points
from simquay.execution.settings import RunContext
from simquay.jobs.base import BaseJob
from simquay.jobs.dispatch.tasks import LocalTask, TaskControl
from simquay.jobs.dispatch.threads import thread_per_task
from simquay.jobs.recent import recent_jobs
from simquay.primitives.foreign import JoinForeign, Shots
from simquay.program import Program
from simquay.provider import default_provider
from simquay.simulators.adapted.backend import adapt
from simquay.simulators.base import SimquayBackend
from simquay.simulators.engine.backend import EngineBackend, Kept
from simquay.simulators.engine.pubs.jobs import JoinPubs, PrimitiveJob
from simquay.simulators.engine.pubs.shown import Shown
from simquay.simulators.engine.work import Part
from simquay.simulators.inputs import warn_of_no_noise
from simquay.simulators.options import resolve, validate

__all__ = ["Primitive", "taken"]

P = TypeVar("P", bound="Primitive")
T = TypeVar("T")

Start = Callable[[Sequence[QuantumCircuit], int], Shots]
"""Starts circuits, with a number of shots."""

_AERS = ("backend_options", "run_options")
"""Options of Aer's primitives that hold options of its backend and of its ``run``."""

_UNUSED = (
    *("abelian_grouping", "memory", "parameter_binds", "shots"),
    *("density_matrix", "statevector"),
)
"""Options that other primitives take and that change nothing here, since this one sets them by
itself or its results have no place for what they ask."""


class Primitive:
    """A primitive on a backend.

    Attributes:
        backend: runs the circuits.
        seed: of the random draws: the same seed gives the same results, run by run. A NumPy
            generator gives each run another seed; None lets the backend choose.
        options: the default of shots or of precision, and run options of the backend, over its own;
            they may be set (``sampler.options.max_memory_mb = 100``).

    Args:
        backend: a backend, or the name of one; None for ``auto``.
        default: of shots, or of precision.
        seed: see above.
        options: run options of the backend. The options of Aer's primitives are understood as well:
            ``backend_options`` and ``run_options`` are dictionaries of such options, and
            ``default_shots`` or ``default_precision`` comes before the argument of the same name.

    Raises:
        TypeError: ``backend`` is none of these.
        RunOptionError: for a wrong option; a ``ValueError``.
        RegistryError: the backend cannot be had.
    """

    _default: str
    """The name of the option for the default of shots, or of precision."""

    def __init__(
        self,
        backend: BackendV2 | str | None,
        default: float,
        seed: int | np.random.Generator | None,
        options: Mapping[str, Any] | None,
    ) -> None:
        if backend is None or isinstance(backend, str):
            backend = default_provider().get_backend(backend)
        if not isinstance(backend, BackendV2):
            raise TypeError(
                f"an object of type {type(backend).__name__} is no backend: expected a Qiskit "
                "BackendV2, the name of a backend, or None for the best one"
            )
        self._backend: Any = backend
        self.seed = seed
        given = {self._default: default, **(options or {})}
        for name in _AERS:
            given |= given.pop(name, None) or {}
        self.options = Options(**given)
        if isinstance(backend, EngineBackend):
            validate(self._given())

    @classmethod
    def from_backend(cls: type[P], backend: BackendV2, **options: Any) -> P:
        """A primitive on this backend; as Aer's primitives are made.

        Args:
            backend: runs the circuits.
            options: arguments of the class.
        """
        return cls(backend, **options)

    @property
    def backend(self) -> BackendV2:
        """The backend that runs the circuits."""
        return self._backend

    def _run_options(self) -> dict[str, Any]:
        """The options of the next run, over those of the backend."""
        given, seed = self._given(), self.seed
        if isinstance(seed, np.random.Generator):
            seed = int(seed.integers(1 << 53))
        if seed is not None:
            given["seed_simulator"] = seed
        return given

    def _given(self) -> dict[str, Any]:
        """The run options that are given."""
        own = self._default, *_UNUSED
        return {name: value for name, value in self.options.items() if name not in own}

    def _run_on_engine(
        self,
        backend: EngineBackend,
        pubs: Sequence[Any],
        contexts: Callable[[RunContext, Sequence[Sequence[Program]]], Sequence[RunContext]],
        shown: Sequence[Shown],
        kind: str,
    ) -> BaseJob:
        """A submitted job for pubs on an engine.

        Args:
            backend: of the engine.
            pubs: of the job; each has ``circuit`` and ``points``.
            contexts: gives the context of each pub from that of the job and the programs of the
                points of each.
            shown: how the result of each pub is made.
            kind: of the job, for the job store.
        """
        context, noise, of_job = resolve(backend.options, self._run_options())
        context = replace(context, memory=False, wanted={})
        hit: set[str] = set()
        lists = [lower_points(pub.circuit, pub.points, noise, hit) for pub in pubs]
        warn_of_no_noise(noise, hit, (pub.circuit for pub in pubs))
        first = 0
        parts: dict[int, tuple[list[int], list[Sequence[Program]], RunContext]] = {}
        for programs, of_pub in zip(lists, contexts(context, lists), strict=True):
            part = parts.setdefault(of_pub.shots, ([], [], of_pub))
            part[0].extend(range(first, first + len(programs)))
            part[1].append(programs)
            first += len(programs)
        ran = backend.what_ran(context)
        join = JoinPubs(
            [pub.circuit.name for pub in pubs],
            [len(programs) for programs in lists],
            shown,
            context.seed,
            ran,
        )
        metadata = {**of_job.pop("metadata"), **ran}
        joined = [
            Part(numbers, Points.joined(some), of_pub) for numbers, some, of_pub in parts.values()
        ]
        nothing = [Part((), (), context)]
        kept = Kept(kind, [pub.circuit for pub in pubs], join) if of_job["keep"] else None
        return backend.submit(joined or nothing, join, of_job, metadata, kept)

    def _run_elsewhere(
        self,
        pubs: Sequence[Any],
        start: Callable[[int, Start], Callable[[TaskControl], PubResult]],
    ) -> BaseJob:
        """A submitted job for pubs on a backend that gives shots alone.

        Args:
            pubs: of the job.
            start: starts the circuits of a pub, from its number; gives the call that waits for them
                and gives the pub's result.
        """
        backend, options = self._backend, self._run_options()
        runner = backend
        if not isinstance(backend, SimquayBackend):
            runner = adapt(backend, isolation="thread")
        about = runner.about_job(options)
        options["keep"] = False  # the backend's jobs are parts of this one, which may be kept
        started: list[Shots] = []

        def run(number: int, circuits: Sequence[QuantumCircuit], shots: int) -> Shots:
            started.append(Shots(runner, options, number, circuits, shots))
            return started[-1]

        try:
            calls = [start(number, partial(run, number)) for number in range(len(pubs))]
        except BaseException:
            for one in started:
                one.cancel()
            raise
        ran = runner.what_runs(options, runner.isolation)
        join = JoinForeign([pub.circuit.name for pub in pubs], ran)
        job = PrimitiveJob(
            backend,
            [LocalTask(call) for call in calls] or [LocalTask(lambda control: None)],
            thread_per_task(),  # they wait for other jobs
            join,
            started=started,
            metadata={**about["metadata"], **ran},
        )
        if about["keep"]:
            runner.keep(job, "primitive", [pub.circuit for pub in pubs])
        recent_jobs().add(job)
        job.submit()
        return job


def taken(pubs: Iterable[Any], read: Callable[[Any], T]) -> list[T]:
    """What ``read`` gives of each pub; its errors say which one they are about."""
    return [_taken(number, pub, read) for number, pub in enumerate(pubs)]


def _taken(number: int, pub: Any, read: Callable[[Any], T]) -> T:
    try:
        return read(pub)
    except (TypeError, ValueError) as error:
        if type(error) not in (TypeError, ValueError):  # others may have arguments of their own
            raise
        raise type(error)(f"pub {number}: {error}") from error
