"""The pool of worker processes: kept, dropped, and spare ones."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator

import pytest

from simquay.jobs.dispatch.tasks import TaskControl
from simquay.jobs.workers.pool import ProcessPool
from simquay.jobs.workers.process import BackendSource, WorkerDiedError
from tests.support.job_doubles import LONG, until
from tests.support.processes import gone

pytestmark = [pytest.mark.timeout(120), pytest.mark.slow]

SOURCE = BackendSource(factory="tests.support.foreign_backends:make_plain")


def nothing() -> None:
    """A check that never raises."""


@pytest.fixture
def pool() -> ProcessPool:
    return ProcessPool(kept=1, spare_after=LONG)


def test_a_worker_is_kept_and_those_too_many_are_not(pool: ProcessPool) -> None:
    one, other = pool.lease(SOURCE, nothing), pool.lease(SOURCE, nothing)
    assert one.pid != other.pid
    pool.give_back(one)
    pool.give_back(other)
    assert gone(other.pid)
    assert pool.pids() == [one.pid]
    assert pool.lease(SOURCE, nothing) is one
    pool.stop()
    assert gone(one.pid)


def test_what_is_dropped_is_gone_and_replaced(pool: ProcessPool) -> None:
    one = pool.lease(SOURCE, nothing)
    pool.drop(one)
    assert gone(one.pid)
    assert pool.pids() == []
    other = pool.lease(SOURCE, nothing)
    other.wait_ready(nothing)
    assert other.alive
    os.kill(other.pid, signal.SIGKILL)
    with pytest.raises(WorkerDiedError, match="SIGKILL"):
        other.run(SOURCE, b"", TaskControl())
    pool.drop(other)
    pool.stop()


def test_a_pool_that_stopped_starts_nothing(pool: ProcessPool) -> None:
    pool.stop()
    with pytest.raises(WorkerDiedError, match="exiting"):
        pool.lease(SOURCE, nothing)


def test_no_interpreter_is_an_error_and_no_hang(
    pool: ProcessPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(WorkerDiedError, match="no worker process can be started"):
        pool.lease(SOURCE, nothing)
    pool.stop()


@pytest.fixture
def eager() -> Iterator[ProcessPool]:
    pool = ProcessPool(spare_after=0.2)
    yield pool
    pool.stop()


def test_a_long_run_brings_a_spare_worker(eager: ProcessPool) -> None:
    one = eager.lease(SOURCE, nothing)
    assert until(lambda: len(eager.pids()) == 2, LONG)
    other = eager.lease(SOURCE, nothing)
    assert other.pid in eager.pids()
    assert other is not one
    eager.give_back(other)
    eager.drop(one)
    time.sleep(0.5)
    assert eager.pids() == [other.pid]  # one idle worker is enough


def test_what_was_dropped_is_replaced_when_the_pool_is_left_alone(eager: ProcessPool) -> None:
    one = eager.lease(SOURCE, nothing)
    eager.drop(one)
    assert until(lambda: len(eager.pids()) == 1, LONG)
    (spare,) = eager.pids()
    assert eager.lease(SOURCE, nothing).pid == spare


def test_short_runs_bring_no_spare_worker(eager: ProcessPool) -> None:
    one = eager.lease(SOURCE, nothing)
    eager.give_back(one)
    end = time.monotonic() + 1.0
    while time.monotonic() < end:
        assert eager.lease(SOURCE, nothing) is one
        eager.give_back(one)
    time.sleep(0.5)
    assert eager.pids() == [one.pid]


def test_a_pool_that_was_never_used_or_has_stopped_starts_no_spare(eager: ProcessPool) -> None:
    time.sleep(0.5)
    assert eager.pids() == []
    one = eager.lease(SOURCE, nothing)
    eager.stop()
    assert gone(one.pid)
    time.sleep(0.5)
    assert eager.pids() == []


def test_where_no_spare_can_be_started_it_is_tried_now_and_then(
    eager: ProcessPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    eager.drop(eager.lease(SOURCE, nothing))
    tries = []

    def refuse(source: BackendSource) -> None:
        tries.append(source)
        raise OSError("too many processes")

    with monkeypatch.context() as patch:
        patch.setattr("simquay.jobs.workers.pool.Worker", refuse)
        time.sleep(1.0)
    assert len(tries) <= 6
    assert all(source is SOURCE for source in tries)
    assert until(lambda: len(eager.pids()) == 1, LONG)


def test_a_pool_is_warmed_up_ahead_of_the_first_run(pool: ProcessPool) -> None:
    pool.warm_up(SOURCE)
    assert until(lambda: len(pool.pids()) == 1, LONG)
    pool.warm_up(SOURCE)
    worker = pool.lease(SOURCE, nothing)
    assert pool.pids() == [worker.pid]
    worker.wait_ready(nothing)
    pool.stop()


@pytest.mark.parametrize(
    "part", ["threading.Thread.start", "subprocess.Popen", "subprocess.Popen._execute_child"]
)
def test_whatever_a_start_raises_the_next_one_is_tried(
    pool: ProcessPool, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    errors = [RuntimeError("x"), MemoryError("x"), OSError("x"), ValueError("x")]
    left = iter(errors + errors[:1])

    def refuse(*arguments: object, **options: object) -> None:
        raise next(left)

    with monkeypatch.context() as patch:
        patch.setattr(part, refuse)
        for _ in errors:
            with pytest.raises(WorkerDiedError, match=r"no worker process can be started: .*x"):
                pool.lease(SOURCE, nothing)
        pool.warm_up(SOURCE)  # raises nothing
        assert until(lambda: next(left, None) is None, LONG)
    assert pool.lease(SOURCE, nothing).alive
    pool.stop()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_starter_thread_that_has_died_is_replaced(
    pool: ProcessPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*arguments: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(ProcessPool, "_start", dies)
        pool.warm_up(SOURCE)
        starter = pool._starter
        assert starter is not None
        starter.join(LONG)
    assert pool.lease(SOURCE, nothing).alive
    pool.stop()
