"""The work of a job that is split into tasks: tasks out, their answers put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from simquay.control import Control
from simquay.engines.base import Engine
from simquay.errors import OutOfMemoryError
from simquay.execution.settings import Outcome
from simquay.jobs.base import BackendFinder
from simquay.jobs.dispatch.launchers import TaskContext
from simquay.jobs.dispatch.threads import MemoryRequest
from simquay.program import Program
from simquay.program.packing import pack_programs
from simquay.simulators.engine.remote import TaskAnswer, TaskRequest, read_answer, run_request
from simquay.simulators.engine.splitting import TaskPlan, split
from simquay.simulators.engine.task import EngineTask, Numbered, hands_out_states
from simquay.simulators.engine.work import Circuit, Reporter
from simquay.simulators.options import Resolved

if TYPE_CHECKING:
    from qiskit.result import Result

    from simquay.jobs.split import TaskEnd

__all__ = ["SplitEngineWork"]


class SplitEngineWork:
    """Circuits on an engine, in tasks; see :class:`simquay.jobs.split.SplitWork`.

    Args:
        circuits: what to run.
        engine: what runs them in this process.
        options: of the run.
        backend_name: for the result.
        backend_version: for the result.
        address: the name that other processes find the backend by.
        finder: how they find it; None where none is asked.
        version: Simquay's.
    """

    def __init__(
        self,
        circuits: Sequence[Circuit],
        engine: Engine,
        options: Resolved,
        *,
        backend_name: str,
        backend_version: str,
        address: str,
        finder: BackendFinder | None,
        version: str,
    ) -> None:
        self._reporter = Reporter(
            circuits,
            engine,
            options,
            backend_name=backend_name,
            backend_version=backend_version,
        )
        self._circuits = len(circuits)
        executor = options.executor
        self._executor = None if executor is None else type(executor).__name__
        at_most = options.max_circuits_per_task
        plans = split(
            [not (options.statevector or hands_out_states(one.program)) for one in circuits],
            options.shots,
            1 if at_most is None and executor is not None else at_most,
            options.max_shots_per_task,
        )
        options = replace(options, executor=None)  # the job holds it, not what it works on
        groups: dict[tuple[int, ...], _Group] = {}
        self.tasks: list[_Task] = []
        for plan in plans:
            group = groups.get(plan.circuits)
            if group is None:
                group = groups[plan.circuits] = _Group(
                    [circuits[number].program for number in plan.circuits]
                )
            self.tasks.append(_Task(plan, group, engine, options, address, finder, version))

    def result(self, job_id: str, ends: Sequence[TaskEnd], seconds: float) -> Result:
        """Put the tasks' answers together, in the order of circuits and shots."""
        parts: list[list[tuple[Outcome, float]]] = [[] for _ in range(self._circuits)]
        failures: dict[int, BaseException] = {}
        reports = []
        for task, end in zip(self.tasks, ends, strict=True):
            answer: TaskAnswer | None = end.answer
            if answer is None:
                assert end.error is not None
                for number in task.plan.circuits:
                    failures.setdefault(number, end.error)
                continue
            reports.append(_report(task.plan, answer, end.attempts))
            for number, error in answer.failures.items():
                failures.setdefault(number, error)
            for number, part in answer.outcomes.items():
                parts[number].append(part)
        results = [
            self._reporter.circuit(
                number, _joined([outcome for outcome, _ in some]), sum(time for _, time in some)
            )
            for number, some in enumerate(parts)
            if number not in failures
        ]
        metadata = {"executor": self._executor, "tasks": reports}
        return self._reporter.job(results, failures, job_id, seconds, metadata)


class _Group:
    """The programs of tasks that differ in their shots alone; packed once."""

    def __init__(self, programs: Sequence[Program]) -> None:
        self.programs = programs
        self._packed: bytes | None = None

    def packed(self) -> bytes:
        """As bytes."""
        if self._packed is None:
            self._packed = pack_programs(self.programs)
        return self._packed


class _Task:
    """Some shots of some circuits; see :class:`simquay.jobs.dispatch.launchers.SplitTask`."""

    def __init__(
        self,
        plan: TaskPlan,
        group: _Group,
        engine: Engine,
        options: Resolved,
        address: str,
        finder: BackendFinder | None,
        version: str,
    ) -> None:
        self.plan = plan
        self._group = group
        self._engine = engine
        self._options = options
        self._address = address
        self._finder = finder
        self._version = version
        self._here: EngineTask | None = None

    @property
    def memory(self) -> MemoryRequest | None:
        """What must be reserved before it may run in this process."""
        return self._local().memory

    def refuse(self, error: OutOfMemoryError) -> bool:
        """The device will never have that memory."""
        return self._local().refuse(error)

    def run(self, control: Control) -> TaskAnswer:
        """Run it in this process."""
        return TaskAnswer.of(self._local(), control)

    def request(self, context: TaskContext) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """What another process is to call."""
        options = self._options
        request = TaskRequest(
            version=self._version,
            job_id=context.job_id,
            task=context.number,
            attempt=context.attempt,
            backend=self._address,
            engine=self._engine.name,
            circuits=self.plan.circuits,
            first_shot=self.plan.first_shot,
            shots=self.plan.shots,
            seed=options.seed,
            precision=options.precision.value,
            max_bytes=options.max_bytes,
            statevector=options.statevector,
        )
        return run_request, (self._finder, request.pack(), self._group.packed())

    def read(self, answer: Any) -> TaskAnswer:
        """The answer, from here or from elsewhere."""
        return answer if isinstance(answer, TaskAnswer) else read_answer(answer)

    def _local(self) -> EngineTask:
        if self._here is None:
            programs = [
                Numbered(number, program)
                for number, program in zip(self.plan.circuits, self._group.programs, strict=True)
            ]
            options = replace(self._options, shots=self.plan.shots)
            self._here = EngineTask(programs, self._engine, options, self.plan.first_shot)
        return self._here


def _report(plan: TaskPlan, answer: TaskAnswer, attempt: int) -> dict[str, Any]:
    return {
        "circuits": list(plan.circuits),
        "first_shot": plan.first_shot,
        "shots": plan.shots,
        "pid": answer.pid,
        "host": answer.host,
        "attempt": attempt,
        "seconds": answer.seconds,
    }


def _joined(parts: Sequence[Outcome]) -> Outcome:
    """One circuit's outcome from its parts, in the order of their shots."""
    if len(parts) == 1:
        return parts[0]
    return Outcome(
        np.concatenate([one.samples for one in parts]),
        metadata=_joined_metadata([one.metadata for one in parts]),
    )


def _joined_metadata(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Times add up; of other figures it is the largest, of words the first."""
    joined: dict[str, Any] = {}
    for name, value in parts[0].items():
        values = [one.get(name, value) for one in parts]
        if name.endswith("_time"):
            joined[name] = sum(values)
        elif isinstance(value, (int, float)):
            joined[name] = max(values)
        else:
            joined[name] = value
    return joined
