"""``adapt``: a third-party backend whose jobs keep Simquay's contract."""

from __future__ import annotations

import copy
import functools
import weakref
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from itertools import compress
from typing import TYPE_CHECKING, Any

from qiskit import QuantumCircuit
from qiskit.providers import BackendV2, Options
from qiskit.transpiler import Target

from simquay.jobs.adapted import AdaptedJob
from simquay.jobs.base import BaseJob
from simquay.jobs.dispatch.tasks import LocalTask, Task
from simquay.jobs.dispatch.threads import WorkerPool, default_pool
from simquay.jobs.external.circuits import BackendPool
from simquay.jobs.job import Job
from simquay.jobs.references import BackendFinder
from simquay.jobs.workers.pool import default_workers
from simquay.jobs.workers.process import BackendSource
from simquay.simulators.adapted.opening import runnable
from simquay.simulators.adapted.options import ABOUT_JOB, AdaptedOptions, check_isolation
from simquay.simulators.adapted.results import JoinAdapted, has_only_gates, writes_bits
from simquay.simulators.adapted.target import with_qubits
from simquay.simulators.adapted.tasks import (
    MemoryRule,
    answered,
    backend_source,
    copied_options,
    kept_options,
    memory_request,
    options_of_kept,
    pickled_run,
    run_and_wait,
    run_in_thread,
)
from simquay.simulators.base import SimquayBackend
from simquay.simulators.inputs import RunInputError, checked_circuits
from simquay.simulators.options import Check, about_job

if TYPE_CHECKING:
    from qiskit.result import Result

    from simquay.jobs.store.store import JobFacts, JobStore

__all__ = ["AdaptedBackend", "adapt"]


class AdaptedBackend(SimquayBackend):
    """A foreign backend whose jobs keep the contract; made by :func:`adapt`.

    It has the foreign backend's target and options, and its other public attributes. Options are
    set here (:meth:`set_options`), never on the foreign object, which is private to the runs.
    Circuits need no transpilation for a simulator: see
    :class:`~simquay.simulators.adapted.opening.Opener`.

    Attributes:
        foreign: the backend that was adapted.
        isolation: where runs happen by default: in a worker ``"process"`` or a ``"thread"``.

    Args:
        foreign: the backend to adapt.
        settings: those other arguments of :func:`adapt` that are given, by name.
    """

    _made = "adapted"

    def __init__(self, foreign: BackendV2, settings: Mapping[str, Any]) -> None:
        super().__init__(
            provider=getattr(foreign, "provider", None),
            name=settings.get("name", foreign.name),
            description=settings.get("description", foreign.description),
            online_date=foreign.online_date,
            backend_version=foreign.backend_version,
        )
        self.foreign = foreign
        self._settings = settings
        self._source, self._obstacle = backend_source(foreign, settings.get("factory", ""))
        possible = "thread" if self._source is None else "process"
        self.isolation = check_isolation("isolation", settings.get("isolation", possible))
        if self.isolation == "process":
            self._portable_source()
        self._checks = AdaptedOptions(foreign, settings.get("checks", {}))
        self._options = self._checks.initial()
        self._about: Mapping[str, Any] = dict.fromkeys(ABOUT_JOB)
        self._widened: tuple[Target, Target] | None = None
        another = None if self._source is None else self._source.make
        self._backends = BackendPool(foreign, another)

    @classmethod
    def _default_options(cls) -> Options:
        return Options()  # replaced by the foreign backend's

    @property
    def target(self) -> Target:
        """The foreign backend's, with a number of qubits if it has none. Where any qubits interact,
        no instruction lists its qubits: libraries take a list for a device's coupling map."""
        theirs: Target = self.foreign.target
        if theirs.num_qubits is not None and (
            theirs.qargs is None or theirs.build_coupling_map() is not None
        ):
            return theirs
        if self._widened is None or self._widened[0] is not theirs:
            self._widened = theirs, with_qubits(theirs, self._settings.get("num_qubits"))
        return self._widened[1]

    def configuration(self) -> Any:
        """The foreign backend's, or else one that is made of its target."""
        theirs = getattr(self.foreign, "configuration", None)
        return super().configuration() if theirs is None else theirs()

    @property
    def max_circuits(self) -> int | None:
        """The foreign backend's."""
        limit: int | None = self.foreign.max_circuits
        return limit

    def __getattr__(self, name: str) -> Any:
        """Attributes of the foreign backend that this class lacks, such as ``properties``."""
        if name.startswith("_") or name == "foreign":
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self.foreign, name)

    def set_options(self, **fields: Any) -> None:
        """Set options for all later runs of this backend object.

        Args:
            fields: the foreign backend's options, ``isolation``, ``executor``, ``metadata``,
                ``tags`` and ``keep``.

        Raises:
            UnknownOptionError: an ``AttributeError``: no option has this name.
            RunOptionError: a ``ValueError``: a value is wrong. No option is changed then.
        """
        checked = self._checks.check(fields, running=False)
        isolation = checked.pop("isolation", self.isolation)
        if isolation == "process":
            self._portable_source()
        self.isolation = isolation
        self._about = {name: checked.pop(name, one) for name, one in self._about.items()}
        self._options.update_options(**checked)

    def run(
        self, run_input: QuantumCircuit | Iterable[QuantumCircuit] | None = None, **options: Any
    ) -> BaseJob:
        """Run circuits.

        The run uses a snapshot: changing a circuit or an option afterwards has no effect.

        Args:
            run_input: a circuit, or any iterable of circuits, which run in one job; also as the
                keyword ``circuits``, Aer's name for it.
            options: the foreign backend's options and parameters of its ``run``, and
                ``isolation``, ``executor``, ``metadata``, ``tags`` and ``keep`` of this one. On an
                executor the job is one task. ``isolation`` holds on an executor of threads too; it
                means nothing on an executor of other processes, which isolates by itself.

        Returns:
            The job, submitted.

        Raises:
            NotCircuitsError: for anything but circuits; a ``TypeError`` as well.
            RunInputError: for no circuits at all or more than the backend takes, for an unbound
                parameter, for a circuit or option that does not pickle for a worker process, and
                for a circuit that QPY would change on its way to an executor of other processes.
            RunOptionError: for a wrong option.

        Warns:
            SimquayWarning: a circuit of gates alone measures nothing. Other instructions, such as
                those of Aer that save a state, may ask for other data.
        """
        if run_input is None:
            run_input = options.pop("circuits", None)
        options = self._checks.without_none(options)
        given = {**self._checks.changed(self._options), "isolation": self.isolation, **options}
        checked = self._checks.check({**self._about, **given}, running=True)
        isolation = checked.pop("isolation")
        about = about_job({name: checked.pop(name) for name in ABOUT_JOB})
        circuits = checked_circuits(run_input, bound=not checked.get("parameter_binds"))
        limit = self.max_circuits
        if limit is not None and len(circuits) > limit:
            raise RunInputError(
                f"{len(circuits)} circuits are more than the {limit} that backend {self.name!r} "
                "takes in one job"
            )
        silent = [not writes_bits(circuit) for circuit in circuits]
        names = [one.name for one in compress(circuits, silent) if has_only_gates(one)]
        if names and "measure" in self.foreign.target.operation_names:
            self._warn_of_no_counts(names, len(circuits))
        metadata = {**about["metadata"], **self.what_runs(checked, isolation)}
        job = self._job(circuits, checked, isolation, about["executor"], metadata)
        if about["keep"]:
            self.keep(job, "adapted", circuits, lambda: kept_options(checked, isolation))
        return self._submitted(job)

    def _job(
        self,
        circuits: Sequence[QuantumCircuit],
        options: Mapping[str, Any],
        isolation: str,
        executor: Executor | None,
        metadata: Mapping[str, Any],
        job_id: str | None = None,
    ) -> Job:
        """A job, not submitted, of one task."""
        join = JoinAdapted(
            self.name,
            [not writes_bits(circuit) for circuit in circuits],
            options.get("shots", dict(self._options).get("shots")),
            None if executor is None else type(executor).__name__,
        )
        circuits = runnable(circuits, self.target, self.foreign.target.num_qubits)
        threads = default_pool() if isolation == "process" else self._threads
        launcher, finder = self._launcher(executor, threads)
        if finder is None:
            task = self._task(circuits, options, isolation)
        else:
            task = self._remote_task(circuits, options, finder)
            metadata = {**metadata, "isolation": "executor"}
        return AdaptedJob(self, [task], launcher, join, job_id=job_id, metadata=metadata)

    def resumed(
        self, store: JobStore, facts: JobFacts, data: bytes, executor: Executor | None
    ) -> tuple[Job, None, tuple[()]]:
        """A kept job, not submitted, that runs anew; for the arguments see
        :meth:`EngineBackend.resumed <simquay.simulators.engine.backend.EngineBackend.resumed>`."""
        options, isolation = options_of_kept(data)
        circuits = store.circuits(facts.id)
        return self._job(circuits, options, isolation, executor, facts.metadata, facts.id), None, ()

    def about_job(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Those options of a run that are about its job, over the backend's own; see
        :func:`simquay.simulators.options.about_job`."""
        given = {name: options[name] for name in ABOUT_JOB if options.get(name) is not None}
        return about_job(self._checks.check({**self._about, **given}, running=False))

    def _task(
        self, circuits: Sequence[QuantumCircuit], options: Mapping[str, Any], isolation: str
    ) -> Task:
        """A run that this process starts, on a snapshot of circuits and options."""
        needs = memory_request(
            self._settings.get("memory"), circuits, {**dict(self._options), **options}
        )
        if isolation == "process":
            source = self._portable_source()
            run = functools.partial(default_workers().run, source, pickled_run(circuits, options))
        else:
            snapshot = [circuit.copy() for circuit in circuits]
            copied = copied_options(options)
            run = functools.partial(run_in_thread, self._backends, snapshot, copied)
        return LocalTask(lambda control: answered(lambda: run(control)), needs)

    def _remote_task(
        self, circuits: Sequence[QuantumCircuit], options: Mapping[str, Any], finder: BackendFinder
    ) -> Task:
        """A run for an executor of other processes."""
        from simquay.simulators.adapted.remote import remote_task

        version = str(self.backend_version)
        return remote_task(finder, self._address(), version, options, circuits)

    def run_here(self, circuits: Sequence[QuantumCircuit], options: Mapping[str, Any]) -> Result:
        """Run circuits in this thread and wait: the call in a worker process of an executor; see
        :func:`~simquay.simulators.adapted.tasks.run_and_wait`."""
        return run_and_wait(self._backends, circuits, options)

    @functools.cached_property
    def _threads(self) -> WorkerPool:
        """Threads for runs in this process; not those of engines, for whose jobs it may wait."""
        pool = WorkerPool()
        weakref.finalize(self, pool.stop, 0.0)
        return pool

    def warm_up(self) -> None:
        """Start a worker process now, so that the first run does not wait for one. Returns at once;
        does nothing where a worker is idle, and where runs happen in threads."""
        if self.isolation == "process" and self._source is not None:
            default_workers().warm_up(self._source)

    def _portable_source(self) -> BackendSource:
        """How a worker process makes the backend.

        Raises:
            RunInputError: it cannot.
        """
        if self._source is None:
            raise RunInputError(
                f"backend {self.name!r} cannot run in a worker process: {self._obstacle}. "
                "isolation='thread' runs it in this one"
            )
        return self._source

    def what_runs(self, options: Mapping[str, Any], isolation: str) -> Mapping[str, Any]:
        """The part of a job's metadata that says which backend runs it."""
        known = {**dict(self._options), **options, **self._settings}
        device = known.get("device")
        return self._what_ran(
            self.foreign.name,
            device.lower() if isinstance(device, str) else device,
            known.get("precision"),
            isolation=isolation,
        )

    def _adapted_anew(self, given: Mapping[str, Any]) -> AdaptedBackend:
        """This backend with the given settings changed; it keeps its options."""
        mine = {"isolation": self.isolation, "name": self.name, "description": self.description}
        adapted = AdaptedBackend(self.foreign, {**self._settings, **mine, **given})
        adapted.set_options(**self._checks.changed(self.options))
        return adapted

    def _given_options(self) -> dict[str, Any]:
        own = {name: value for name, value in self._about.items() if name != "executor"}
        return {**self._checks.changed(self._options), "isolation": self.isolation, **own}

    def __reduce__(self) -> tuple[Any, ...]:
        """One that a provider made travels by its name; one that was adapted by hand as its foreign
        backend, if that pickles, with the same settings and options."""
        if self.simquay_finder is not None:
            return super().__reduce__()
        return _adapted, (self.foreign, dict(self._settings), self._given_options())

    def __deepcopy__(self, memo: dict[int, Any]) -> AdaptedBackend:
        """A copy with separate options; the foreign backend objects are shared."""
        copied = copy.copy(self)
        copied.__dict__.pop("_threads", None)
        copied._options = copy.copy(self._options)
        return copied

    def __repr__(self) -> str:
        return f"{super().__repr__()[:-1]} isolation={self.isolation!r}>"


def _adapted(
    foreign: BackendV2, settings: Mapping[str, Any], options: Mapping[str, Any]
) -> AdaptedBackend:
    """The backend of a pickle, which refers to this function by its name."""
    backend = AdaptedBackend(foreign, settings)
    backend.set_options(**options)
    return backend


def adapt(
    backend: BackendV2,
    *,
    isolation: str | None = None,
    name: str | None = None,
    description: str | None = None,
    device: str | None = None,
    precision: str | None = None,
    factory: str = "",
    memory: MemoryRule | None = None,
    num_qubits: int | None = None,
    checks: Mapping[str, Check] | None = None,
) -> AdaptedBackend:
    """Make a foreign backend's jobs keep Simquay's contract.

    Args:
        backend: any ``BackendV2``. Its jobs may be of any class with ``result()`` and
            ``status()``. An adapted backend is adapted anew.
        isolation: ``"process"``: circuits run in a worker process, which is killed to cancel them.
            The worker makes the backend by ``factory``, or from a pickle of its present state.
            ``"thread"``: they run in a thread of this process, and cancelling asks the foreign job
            to cancel. None: a process where the worker can make the backend.
        name: the adapted backend's; by default the foreign one's.
        description: one line; by default the foreign one's.
        device: for the jobs' metadata; by default the foreign option ``device``, if any.
        precision: the same for ``precision``.
        factory: ``module:callable``, called without arguments, which makes such a backend; it
            spares the pickling.
        memory: gives the bytes of this machine's memory that a run of a circuit with some options
            needs, or 0 where that is unknown. They are reserved while the job runs, in the ledger
            of Simquay's CPU engines: a job that does not fit waits. Without it nothing is
            reserved.
        num_qubits: of the target, where the foreign target has no number; by default 1024. The
            transpiler refuses wider circuits.
        checks: of options of the foreign backend's, by name: each gives the value that the backend
            gets, from the option's name and the value given, or raises ``RunOptionError``.

    Raises:
        TypeError: ``backend`` is no ``BackendV2``.
        RunOptionError: ``isolation`` is neither.
        RunInputError: ``isolation="process"``, and a worker cannot make the backend.
    """
    given = {name: one for name, one in locals().items() if one and name != "backend"}
    if isinstance(backend, AdaptedBackend):
        return backend._adapted_anew(given)
    if not isinstance(backend, BackendV2):
        raise TypeError(
            f"cannot adapt an object of type {type(backend).__name__}: expected a BackendV2"
        )
    return AdaptedBackend(backend, given)
