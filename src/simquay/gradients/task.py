"""Tasks of a job of gradients, in this process or another."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simquay.engines.base import Engine
from simquay.errors import OutOfMemoryError
from simquay.execution.adjoint.backward import (
    Derivatives,
    derivatives,
    points_together,
    required_bytes,
)
from simquay.execution.adjoint.sites import Site
from simquay.execution.adjoint.ways import is_noisy
from simquay.execution.memory import ledger_for, over_ceiling
from simquay.execution.points import Points, pack, unpack
from simquay.execution.settings import RunContext
from simquay.jobs.dispatch.tasks import MemoryRequest, Task, TaskControl, reserved
from simquay.jobs.references import BackendFinder
from simquay.program import Observable, Precision, Program
from simquay.simulators.engine.remote import engine_of
from simquay.simulators.worker import Answer, RemoteTask, carry_out

__all__ = ["GradientTask", "Share", "is_short", "run_request", "split", "tasks_of"]

_CLASSES = {cls.__name__: cls for cls in (RunContext, Precision, Observable)}
"""The classes that a packed request holds."""


class Share(NamedTuple):
    """Points of one program.

    Attributes:
        program: of gates and channels.
        angles: of the points, shape ``(points, angles)``.
        observables: those that differ.
        sites: as :func:`~simquay.execution.adjoint.backward.derivatives` takes them.
    """

    program: Program
    angles: NDArray[np.float64]
    observables: Sequence[Observable]
    sites: Sequence[Site] | None = None

    def batch(self, engine: Engine, context: RunContext) -> tuple[int, int]:
        """How many points run together, and the bytes that they need."""
        count, precision = len(self.observables), context.precision
        size = points_together(self.program, engine, precision, len(self.angles))
        need = required_bytes(self.program, engine, precision, count, size)
        if size > 1 and context.max_bytes is not None and need > context.max_bytes:
            size, need = 1, required_bytes(self.program, engine, precision, count)
        return size, need


_SHORT_WORK = 1 << 21
"""Amplitudes times gates of about a millisecond."""


def is_short(shares: Sequence[Share], engine: Engine) -> bool:
    """Whether all is at most one point, as little work as a thread does in a millisecond, on an
    engine that runs lists of gates on the CPU."""
    return sum([len(share.angles) for share in shares]) <= 1 and all(
        share.program.num_qubits < engine.list_qubits
        and len(share.observables) * len(share.program.operations) << share.program.num_qubits
        <= _SHORT_WORK
        for share in shares
    )


def split(shares: Sequence[Share], most: int | None) -> list[list[Share]]:
    """The shares of each task, of at most ``most`` points; of one task if that is None."""
    if most is None:
        return [[*shares]]
    tasks: list[list[Share]] = []
    room = 0
    for share in shares:
        first, count = 0, len(share.angles)
        while first < count:
            if not room:
                tasks.append([])
                room = most
            size = min(room, count - first)
            tasks[-1].append(share._replace(angles=share.angles[first : first + size]))
            first, room = first + size, room - size
    return tasks or [[]]


def tasks_of(
    parts: Sequence[Sequence[Share]],
    engine: Engine,
    context: RunContext,
    address: str,
    finder: BackendFinder | None,
) -> list[Task]:
    """The tasks of a job: in other processes, if there is a ``finder`` of the backend with the name
    ``address``."""
    if finder is None:
        return [GradientTask(part, engine, context) for part in parts]
    tasks: list[Task] = []
    for part in parts:
        wanted = tuple([(share.observables, share.sites) for share in part])
        fields = {"engine": engine.name, "run": context, "wanted": wanted}
        points = Points.of([(share.program, share.angles) for share in part])
        programs = partial(pack, points)
        tasks.append(RemoteTask(run_request, finder, address, programs, _decode, fields))
    return tasks


@dataclass(frozen=True, slots=True, eq=False)
class GradientTask(Task):
    """Derivatives of shares, one after another.

    Attributes:
        shares: of the task.
        engine: runs them.
        context: of the run.
    """

    shares: Sequence[Share]
    engine: Engine
    context: RunContext

    def _need(self) -> int:
        needs = [share.batch(self.engine, self.context)[1] for share in self.shares]
        return max(needs, default=0)

    @property
    def needs(self) -> MemoryRequest | None:
        """The memory of the largest batch; None where nothing may run."""
        need = self._need()
        if not need or over_ceiling(need, self.context.max_bytes):
            return None
        return MemoryRequest(ledger_for(self.engine), need, (0,))

    def run(self, control: TaskControl) -> Answer:
        """Run all; the memory is reserved.

        Returns:
            The :class:`~simquay.execution.adjoint.backward.Derivatives` of each share.

        Raises:
            OutOfMemoryError: the device never has the memory, or ``max_memory_mb`` does not allow
                it.
            Cancelled: if the control says so.
        """
        began = time.perf_counter()
        need = self._need()
        error = next(iter(control.refused), None) or over_ceiling(need, self.context.max_bytes)
        if error is not None:
            advice = "gradients take two state vectors"
            if any(is_noisy(share.program) for share in self.shares):
                advice = (
                    "gradients with noise take two density matrices, of 4**n numbers for n qubits; "
                    "parameter shifts of an estimator with method='trajectories' take state vectors"
                )
            raise OutOfMemoryError(f"{error}; {advice}", needed=need, available=error.available)
        total, done = sum([len(share.angles) for share in self.shares]), 0
        found = []
        for share in self.shares:
            low, done = done, done + len(share.angles)
            found.append(
                derivatives(
                    share.program,
                    share.angles,
                    share.observables,
                    self.engine,
                    self.context.precision,
                    control.section(low / total, done / total),
                    share.batch(self.engine, self.context)[0],
                    share.sites,
                )
            )
        return Answer(found, time.perf_counter() - began)


def run_request(finder: BackendFinder, request: bytes, programs: bytes) -> dict[str, Any]:
    """Run a task of :func:`tasks_of`; a worker process calls this.

    Args:
        finder: gives the backend by its name.
        request: of the task.
        programs: of its shares, with their angles, packed.

    Returns:
        Plain data; see :func:`~simquay.simulators.worker.carry_out`.
    """

    def run(backend: Any, asked: Mapping[str, Any]) -> Answer:
        points = unpack(programs)
        assert isinstance(points, Points)
        shares = [
            Share(*group, observables, sites and [Site(*site) for site in sites])
            for group, (observables, sites) in zip(points.groups, asked["wanted"], strict=True)
        ]
        task = GradientTask(shares, engine_of(backend, asked), asked["run"])
        control = TaskControl()
        with reserved(task.needs, control):
            return task.run(control)

    return carry_out(finder, request, "engine", "one of an engine", run, _encode, _CLASSES)


def _encode(value: Sequence[Derivatives]) -> Any:
    return [tuple(one) for one in value]


def _decode(value: Any) -> list[Derivatives]:
    return [Derivatives(*one) for one in value]
