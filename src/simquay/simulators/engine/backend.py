"""Engines as Qiskit backends: the class of every backend that runs on a Simquay engine."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any, NamedTuple

from qiskit import QuantumCircuit
from qiskit.transpiler import Target

from simquay.circuits.info import CircuitInfo
from simquay.circuits.lowering.circuit import lower
from simquay.engines.base import Engine
from simquay.execution.points import Points, unbound
from simquay.execution.settings import Piece, RunContext
from simquay.jobs.base import BaseJob
from simquay.jobs.dispatch.tasks import Launcher, Task
from simquay.jobs.dispatch.threads import WorkerPool, default_pool
from simquay.jobs.errors import JobStateError
from simquay.jobs.job import Job, Join
from simquay.jobs.references import BackendFinder
from simquay.program import Program, Save
from simquay.program.program import walk
from simquay.simulators.base import SimquayBackend
from simquay.simulators.engine.target import make_target
from simquay.simulators.engine.task import EngineTask
from simquay.simulators.engine.work import EngineRun, Part, writes_bits
from simquay.simulators.inputs import (
    NotCircuitsError,
    RunInputError,
    checked_circuits,
    points_of,
    warn_of_no_noise,
)
from simquay.simulators.options import DISPATCH, RunOptions, default_options, resolve
from simquay.system.version import simquay_version

if TYPE_CHECKING:
    from simquay.jobs.store.store import JobFacts, JobStore
    from simquay.plugin import BackendSpec
    from simquay.simulators.engine.pubs.jobs import JoinPubs
    from simquay.simulators.worker import Answer

__all__ = ["EngineBackend", "Kept", "NotCircuitsError", "RunInputError"]


class Kept(NamedTuple):
    """What the job store keeps of a job beside its programs.

    Attributes:
        kind: of the job: ``run``, or that of a primitive's.
        circuits: as the caller gave them.
        told: how results are shown; see
            :class:`~simquay.simulators.engine.request.EngineRequest`.
    """

    kind: str
    circuits: Sequence[QuantumCircuit]
    told: Sequence[CircuitInfo] | JoinPubs


class EngineBackend(SimquayBackend):
    """A Qiskit backend that runs circuits on one of Simquay's engines.

    Args:
        engine: runs the programs; any number of backends may share it.
        name: the backend's name.
        spec: of the plugin that registers the backend; it gives the description.
        pool: the worker threads; by default those of the process.
        options: run options to begin with, as for :meth:`run`.

    Raises:
        RunOptionError: for a wrong option.
    """

    _made = "made"

    def __init__(
        self,
        engine: Engine,
        *,
        name: str,
        spec: BackendSpec | None = None,
        pool: WorkerPool | None = None,
        **options: Any,
    ) -> None:
        super().__init__(
            name=name,
            description=f"the engine {engine.name}" if spec is None else spec.description,
            backend_version=simquay_version(),
        )
        self.engine = engine
        self._pool = default_pool() if pool is None else pool
        self.set_options(**options)

    @classmethod
    def _default_options(cls) -> RunOptions:
        return default_options()

    @functools.cached_property
    def target(self) -> Target:
        """Every instruction on any qubits; see :func:`make_target` for its number of qubits."""
        return make_target()

    @property
    def max_circuits(self) -> None:
        """None: a job may have any number of circuits."""
        return None

    def set_options(self, **fields: Any) -> None:
        """Set run options for all later runs of this backend object.

        Raises:
            UnknownOptionError: an ``AttributeError``: no option has this name.
            RunOptionError: a ``ValueError``: a value is wrong. No option is changed then.
        """
        self._options.update_options(**fields)

    def run(
        self, run_input: QuantumCircuit | Iterable[QuantumCircuit] | None = None, **options: Any
    ) -> BaseJob:
        """Run circuits.

        The run uses a snapshot: changing a circuit or an option afterwards has no effect.

        Args:
            run_input: a circuit, or any iterable of circuits, which run in one job; also as the
                keyword ``circuits``, Aer's name for it.
            options: run options, over those of the backend; see :data:`OPTIONS
                <simquay.simulators.options.OPTIONS>`. And ``parameter_binds``, in Aer's form: for
                each circuit a mapping of its parameters to lists of values. The job then has a
                circuit for each set of values, those of the first circuit first.

        Returns:
            The job, submitted.

        Raises:
            NotCircuitsError: for anything but circuits; a ``TypeError`` as well.
            RunInputError: for no circuits at all, for an unbound parameter, for binds that do not
                fit the circuits, for an executor of other processes that cannot find this backend,
                and where both the run and an instruction of a circuit ask for a state under the
                same key.
            ProgramError: for values of parameters that are no finite real numbers.
            UnsupportedInstructionError: for an instruction that no engine runs.
            RunOptionError: for a wrong option.
            NoiseModelError: for errors of the noise model that are no channel.

        Warns:
            SimquayWarning: a circuit measures nothing, and no state is asked for; the noise model
                has no errors of the circuits' instructions.
        """
        if run_input is None:
            run_input = options.pop("circuits", None)
        binds = options.pop("parameter_binds", None)
        context, noise, of_job = resolve(self._options, options)
        circuits = checked_circuits(run_input, bound=not binds)
        infos = [CircuitInfo.of(circuit) for circuit in circuits]
        programs: Sequence[Program]
        hit: set[str] = set()
        if binds:
            lists = points_of(circuits, binds, noise, hit)
            programs = Points.joined(lists)
            pairs = zip(infos, lists, strict=True)
            infos = [info for info, points in pairs for _ in range(len(points))]
        else:
            programs = [lower(circuit, noise, hit) for circuit in circuits]
        warn_of_no_noise(noise, hit, circuits)
        if context.wanted:
            _refuse_two_states(unbound(programs), context.wanted)
        elif silent := [one for one in unbound(programs) if not (writes_bits(one) or _saves(one))]:
            instead = ", or ask for the state with statevector=True"
            self._warn_of_no_counts([one.name for one in silent], len(programs), instead)
        engine = self.engine
        metadata = {**of_job.pop("metadata"), **self.what_ran(context)}
        keep = of_job.pop("keep")
        run = EngineRun(
            programs, infos, engine, context, self.name, self.backend_version, self._told
        )
        part = Part(range(len(programs)), programs, context)
        if any(value is not None for value in of_job.values()):
            kept = Kept("run", circuits, infos) if keep else None
            return self.submit([part], run, of_job, metadata, kept)
        job = Job(self, [run.task()], self._pool, run.join, metadata=metadata)
        if keep:
            self._keep_engine_job(job, Kept("run", circuits, infos), [part], ())
        return self._submitted(job)

    def _told(self, name: str) -> str:
        """A backend by its name, for messages: with the command that installs it where it is not
        installed, as the provider that gave this backend knows."""
        provider = self.provider
        return f"the backend {name!r}" if provider is None else str(provider.told(name))

    def what_ran(self, context: RunContext) -> Mapping[str, Any]:
        """The part of a job's metadata that says which backend runs it, and how."""
        return self._what_ran(self.engine.name, self.engine.device, context.precision.value)

    def submit(
        self,
        parts: Sequence[Part],
        join: EngineRun | JoinPubs,
        options: Mapping[str, Any],
        metadata: Mapping[str, Any],
        kept: Kept | None,
    ) -> BaseJob:
        """Run programs in one job, of one task for each part, or more where the options split it.

        Args:
            parts: of the job, at least one.
            join: joins the tasks' answers.
            options: of the job, which say where it runs and how it is split.
            metadata: of the job.
            kept: what the job store keeps of the job; None for nothing.

        Returns:
            The job, submitted.
        """
        executor = options["executor"]
        pieces = [[Piece(tuple(part.numbers), 0, part.context.shots)] for part in parts]
        if any(options[name] is not None for name in DISPATCH):
            # Imported here, since most runs are not split.
            from simquay.simulators.engine.splitting import pieces_of

            pieces = [
                pieces_of(part, options) or whole for part, whole in zip(parts, pieces, strict=True)
            ]
        job = self._job(parts, pieces, join, executor, metadata)
        if kept is not None:
            self._keep_engine_job(job, kept, parts, pieces)
        return self._submitted(job)

    def _job(
        self,
        parts: Sequence[Part],
        pieces: Sequence[Sequence[Piece]],
        join: EngineRun | JoinPubs,
        executor: Executor | None,
        metadata: Mapping[str, Any],
        job_id: str | None = None,
        answers: Mapping[int, Answer] = {},
    ) -> Job:
        """A job of tasks for ``pieces``, some of which may have their answers already."""
        every = [piece for some in pieces for piece in some]
        launcher: Launcher = self._pool
        finder = None
        if executor is not None:
            launcher, finder = self._launcher(executor, launcher)
        tasks: list[Task] = []
        for part, some in zip(parts, pieces, strict=True):
            if finder is None and len(some) == 1:
                tasks.append(EngineTask(part.programs, self.engine, part.context, some[0]))
                continue
            from simquay.simulators.engine.splitting import tasks_of

            tasks += tasks_of(part, some, self.engine, self._address(), finder)
        if answers:
            from simquay.jobs.dispatch.resuming import ResumingLauncher

            launcher = ResumingLauncher(launcher, answers)
        joins = join.of(every, None if executor is None else type(executor).__name__)
        return join.job_class(self, tasks, launcher, joins, job_id=job_id, metadata=metadata)

    def _keep_engine_job(
        self, job: Job, kept: Kept, parts: Sequence[Part], pieces: Sequence[Sequence[Piece]]
    ) -> None:
        """Keep a job that is not submitted yet; for ``pieces`` see
        :class:`~simquay.simulators.engine.request.EngineRequest`."""
        from simquay.simulators.engine.request import EngineRequest, answer_to_bytes

        request = EngineRequest(self.engine.name, parts, pieces, kept.told)
        # The answer of an only task is the job's result, but for the form.
        split = sum(map(len, pieces)) > 1
        self.keep(
            job, kept.kind, kept.circuits, request.to_bytes, answer_to_bytes if split else None
        )

    def resumed(
        self, store: JobStore, facts: JobFacts, data: bytes, executor: Executor | None
    ) -> tuple[Job, Callable[[Answer], bytes | None] | None, Collection[int]]:
        """A kept job, not submitted, whose tasks with an answer do not run again.

        Args:
            store: has the job.
            facts: of the job.
            data: its request.
            executor: runs the tasks; None for Simquay's workers.

        Returns:
            The job; what makes bytes of the answers of its tasks, if they are kept; and the numbers
            of the tasks whose answers are there.

        Raises:
            ProgramError: the data are those of another version.
            JobStateError: they are for another engine.
        """
        from simquay.simulators.engine.request import EngineRequest, answer_to_bytes, answers_in

        request = EngineRequest.from_bytes(data)
        if request.engine != self.engine.name:
            raise JobStateError(
                f"job {facts.id} ran on the engine {request.engine!r}, and the backend "
                f"{self.name!r} has {self.engine.name!r} here"
            )
        parts, pieces, told = request.parts, request.pieces, request.told
        join: EngineRun | JoinPubs
        if isinstance(told, Sequence):
            (part,) = parts
            join = EngineRun(
                part.programs,
                told,
                self.engine,
                part.context,
                self.name,
                self.backend_version,
                self._told,
            )
            if not pieces and executor is None:
                about: dict[str, Any] = {"job_id": facts.id, "metadata": facts.metadata}
                return Job(self, [join.task()], self._pool, join.join, **about), None, ()
        else:
            join = told
        pieces = pieces or [[Piece(tuple(part.numbers), 0, part.context.shots)] for part in parts]
        done = answers_in(store, facts.id)
        job = self._job(parts, pieces, join, executor, facts.metadata, facts.id, done)
        return job, answer_to_bytes if sum(map(len, pieces)) > 1 else None, done.keys()

    def submit_tasks(
        self,
        make: Callable[[str, BackendFinder | None], Sequence[Task]],
        join: Join,
        executor: Executor | None,
        metadata: Mapping[str, Any],
        kind: str,
        circuits: Sequence[QuantumCircuit] | None,
    ) -> BaseJob:
        """Run tasks in one job, on ``executor`` or else on the backend's worker threads.

        Args:
            make: gives the tasks, from the name that other processes find the backend by, and from
                how they find it: None where the tasks stay in this process.
            join: gives the job's result from the tasks' answers.
            executor: the user's, or None.
            metadata: of the job.
            kind: of the job, for the job store.
            circuits: that the job store keeps with the job, which is not resumed; None where the
                job is not kept.

        Returns:
            The job, submitted.

        Raises:
            RunInputError: other processes cannot find the backend.
        """
        launcher, finder = self._launcher(executor, self._pool)
        tasks = make(self._address(), finder)
        job = Job(self, tasks, launcher, join, metadata=metadata)
        if circuits is not None:
            self.keep(job, kind, circuits)
        return self._submitted(job)

    def _given_options(self) -> dict[str, Any]:
        return {name: value for name, value in self._options.items() if name != "executor"}

    def __deepcopy__(self, memo: dict[int, Any]) -> EngineBackend:
        """A copy with separate options; engine and worker threads are shared."""
        copied = copy.copy(self)
        copied._options = copy.deepcopy(self._options, memo)
        copied.__dict__.pop("target", None)
        return copied


def _saves(program: Program) -> bool:
    return any(type(one) is Save for one in walk(program.operations))


def _refuse_two_states(programs: Sequence[Program], wanted: Collection[str]) -> None:
    """Refuse circuits that save data under the key of a final state of the run."""
    for number, program in enumerate(programs):
        for one in walk(program.operations):
            if type(one) is Save and one.key in wanted:
                raise RunInputError(
                    f"circuit {number} ({program.name!r}) saves data as {one.key!r}, and "
                    f"{one.key}=True returns the final state under the same key: leave the option "
                    "out, or give the instruction a label of its own"
                )
