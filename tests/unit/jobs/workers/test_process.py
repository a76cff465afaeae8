"""The handle of a worker process: what it knows, and how its end is told."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from simquay.jobs.dispatch.tasks import TaskControl
from simquay.jobs.workers.pickling import pickled
from simquay.jobs.workers.process import BackendSource, Worker, WorkerDiedError
from tests.support.adapted_runs import circuit
from tests.support.foreign_backends import Foreign, plain
from tests.support.processes import gone

pytestmark = [pytest.mark.timeout(120), pytest.mark.slow]


@pytest.fixture
def worker() -> Iterator[Worker]:
    worker = Worker(BackendSource(factory="tests.support.foreign_backends:make_plain"))
    yield worker
    worker.end()


def run(worker: Worker, source: BackendSource) -> Any:
    kind, result = worker.run(source, pickled(([circuit()], {})), TaskControl())
    assert kind == "done"
    return result


def test_it_is_another_process_that_gets_ready_and_is_gone_in_the_end(worker: Worker) -> None:
    assert worker.pid != os.getpid()
    assert worker.alive
    checks: list[int] = []
    worker.wait_ready(lambda: checks.append(1))
    assert checks
    worker.end()
    assert not worker.alive
    assert gone(worker.pid)


def test_what_a_check_raises_leaves_a_starting_worker_usable(worker: Worker) -> None:
    class Enough(Exception):
        pass

    def check() -> None:
        raise Enough

    with pytest.raises(Enough):
        worker.wait_ready(check)
    worker.wait_ready(lambda: None)
    assert run(worker, BackendSource(pickled=pickled(Foreign(plain)))).success


@pytest.mark.parametrize(
    ("number", "said"),
    [(signal.SIGKILL, r"SIGKILL \(killed from outside"), (signal.SIGABRT, "SIGABRT$")],
)
def test_a_death_is_told_with_its_signal(worker: Worker, number: int, said: str) -> None:
    worker.wait_ready(lambda: None)
    os.kill(worker.pid, number)
    with pytest.raises(WorkerDiedError, match=f"worker process {worker.pid} was ended by {said}"):
        run(worker, BackendSource(factory="a:b"))
    assert not worker.alive


def test_it_has_the_backends_that_it_was_asked_for_last(worker: Worker) -> None:
    worker.wait_ready(lambda: None)
    sources = [
        BackendSource(pickled=pickled(Foreign(plain, shots=shots))) for shots in range(1, 10)
    ]  # one more than is kept
    for source in sources:
        assert not worker.knows(source.key)
        run(worker, source)
    assert [worker.knows(one.key) for one in sources] == [False] + 8 * [True]
    for shots in (9, 2, 1, 3):  # known, known, forgotten, forgotten for the one before
        assert run(worker, sources[shots - 1]).metadata["shots"] == shots


def test_no_interpreter_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "")
    with pytest.raises(OSError, match="does not know its own path"):
        Worker()
