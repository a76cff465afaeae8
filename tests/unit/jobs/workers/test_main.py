"""The worker process: started from any kind of script, and its answers to a run."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simquay.jobs.workers.errors import error_from_plain
from simquay.jobs.workers.messages import (
    Accepted,
    BackendSource,
    CancelledByBackend,
    Done,
    Failed,
    Heartbeat,
    Run,
    Status,
)
from simquay.jobs.workers.process import Worker
from tests.support import foreign_backends as theirs
from tests.support.adapted_runs import circuit
from tests.support.processes import WORKER_HEAD, python

pytestmark = [pytest.mark.timeout(120), pytest.mark.slow]

RUNS = WORKER_HEAD + "print(backend.run(flip(), shots=3).result(60).get_counts())\n"


def test_it_works_from_stdin() -> None:
    done = python("-", input=RUNS)
    assert done.stdout == "{'1': 3}\n", done.stderr


def test_it_works_from_a_script_without_a_main_guard(tmp_path: Path) -> None:
    (tmp_path / "random.py").write_text("raise ImportError('not the random you look for')\n")
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "script.py").write_text(RUNS)
    done = python("work/script.py", cwd=tmp_path)
    assert done.stdout == "{'1': 3}\n", done.stderr


def test_what_a_backend_prints_is_printed() -> None:
    program = WORKER_HEAD + (
        "from simquay.simulators import adapt\n"
        "from tests.support.foreign_backends import Foreign, chatty\n"
        "print(adapt(Foreign(chatty), isolation='process').run(flip()).result(60).success)\n"
    )
    done = python("-c", program)
    assert sorted(done.stdout.split()) == ["True", "chatter"], done.stderr


def test_what_only_a_script_defines_runs_in_a_thread() -> None:
    program = WORKER_HEAD + (
        "from qiskit.providers.basic_provider import BasicSimulator\n"
        "from simquay.simulators import adapt\n"
        "class Mine(BasicSimulator):\n"
        "    pass\n"
        "mine = adapt(Mine())\n"
        "print(mine.isolation, mine.run(flip(), shots=3).result(60).get_counts())\n"
        "try:\n"
        "    adapt(Mine(), isolation='process')\n"
        "except ValueError as error:\n"
        "    print('Mine is defined in __main__' in str(error))\n"
    )
    done = python("-c", program)
    assert done.stdout == "thread {'1': 3}\nTrue\n", done.stderr


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    worker = Worker()
    worker.wait_ready(lambda: None)
    yield worker
    worker.end()


def answers(worker: Worker, behaviour: Any, key: str) -> list[object]:
    """The answers to a run of two circuits, but for heartbeats and states."""
    source = BackendSource(pickled=pickle.dumps(theirs.Foreign(behaviour)))
    worker.send(Run(key, source, pickle.dumps(([circuit("a"), circuit("bad")], {}))))
    heard: list[object] = []
    while not (heard and isinstance(heard[-1], (Done, Failed, CancelledByBackend))):
        message = worker.receive()
        if not isinstance(message, (Heartbeat, Status)):
            heard.append(message)
    return heard


def test_a_run_is_accepted_and_answered_by_its_result(worker: Worker) -> None:
    accepted, done = answers(worker, theirs.plain, "plain")
    assert isinstance(accepted, Accepted)
    assert isinstance(done, Done)
    assert [one.header["name"] for one in done.result.results] == ["a", "bad"]
    assert done.result.metadata["pid"] == worker.pid


def test_a_run_that_fails_is_answered_by_the_error_and_what_succeeded(worker: Worker) -> None:
    _, failed = answers(worker, theirs.failing, "failing")
    assert isinstance(failed, Failed)
    assert "'bad'" in failed.text
    assert failed.cause is not None
    cause = error_from_plain(failed.cause, pickled=True)
    assert isinstance(cause, ValueError)
    assert "in failing" in str(cause.__cause__)
    assert failed.partial_result is not None
    assert [one.header["name"] for one in failed.partial_result.results] == ["a"]


def test_a_run_that_the_backend_cancels_is_answered_so(worker: Worker) -> None:
    _, cancelled = answers(worker, theirs.refused, "refused")
    assert isinstance(cancelled, CancelledByBackend)


def test_a_body_that_cannot_be_read_fails_the_run_and_not_the_worker(worker: Worker) -> None:
    source = BackendSource(pickled=pickle.dumps(theirs.Foreign(theirs.plain)))
    worker.send(Run("plain", source, b"no pickle"))
    assert isinstance(worker.receive(), Accepted)
    failed = worker.receive()
    assert isinstance(failed, Failed)
    assert "UnpicklingError" in failed.text
    assert worker.alive
