"""Engines as Qiskit backends: the class of every backend that runs on a Simquay engine."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

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
from simquay.jobs.job import Job, Join
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
    from simquay.plugin import BackendSpec

__all__ = ["EngineBackend", "NotCircuitsError", "RunInputError"]


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
        what_ran = self.what_ran(context)
        metadata = {**of_job.pop("metadata"), **what_ran}
        run = EngineRun(
            programs, infos, engine, context, self.name, self.backend_version, self._told
        )
        if any(value is not None for value in of_job.values()):
            part = Part(range(len(programs)), programs, context)

            def join(pieces: Sequence[Piece], executor: str | None) -> Join:
                return replace(run, pieces=pieces, executor=executor).join

            return self.submit(Job, [part], join, of_job, metadata)
        return self._submitted(Job(self, [run.task()], self._pool, run.join, metadata=metadata))

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
        kind: type[Job],
        parts: Sequence[Part],
        join: Callable[[Sequence[Piece], str | None], Join],
        options: Mapping[str, Any],
        metadata: Mapping[str, Any],
    ) -> BaseJob:
        """Run programs in one job, of one task for each part, or more where the options split it.

        Args:
            kind: the class of the job.
            parts: of the job, at least one.
            join: gives what joins the tasks' answers, from their pieces and the class name of the
                user's executor.
            options: of the job, which say where it runs and how it is split.
            metadata: of the job.

        Returns:
            The job, submitted.
        """
        launcher: Launcher = self._pool
        pieces: list[Piece] = []
        tasks: list[Task] = []
        executor = options["executor"]
        if any(options[name] is not None for name in DISPATCH):
            # Imported here, since most runs are not split.
            from simquay.simulators.engine.splitting import split_part

            launcher, finder = self._launcher(executor, launcher)
            for part in parts:
                more, some = split_part(part, self.engine, options, self._address(), finder)
                pieces += more
                tasks += some
        if not tasks:
            pieces = [Piece(tuple(part.numbers), 0, part.context.shots) for part in parts]
            tasks = [
                EngineTask(part.programs, self.engine, part.context, piece)
                for part, piece in zip(parts, pieces, strict=True)
            ]
        joins = join(pieces, None if executor is None else type(executor).__name__)
        return self._submitted(kind(self, tasks, launcher, joins, metadata=metadata))

    def submit_here(self, task: Task, metadata: Mapping[str, Any]) -> BaseJob:
        """Run a task on the backend's worker threads, in a job whose result is the task's answer.

        Returns:
            The job, submitted.
        """
        return self._submitted(Job(self, [task], self._pool, metadata=metadata))

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
