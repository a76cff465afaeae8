"""The worker process: started from any kind of script, and its answers to a run."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from qiskit.providers import JobStatus

from simquay.jobs.dispatch.tasks import TaskControl
from simquay.jobs.errors import error_from_plain
from simquay.jobs.workers.pickling import pickled
from simquay.jobs.workers.process import BackendSource, Worker
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


def test_what_only_a_script_defines_runs_in_a_worker() -> None:
    program = WORKER_HEAD + (
        "from qiskit.providers.basic_provider import BasicSimulator\n"
        "from simquay.simulators import adapt\n"
        "class Odd(Exception):\n"
        "    pass\n"
        "class Mine(BasicSimulator):\n"
        "    def run(self, circuits, **options):\n"
        "        if circuits.name == 'bad':\n"
        "            raise Odd(os.getpid())\n"
        "        return super().run(circuits, **options)\n"
        "mine = adapt(Mine())\n"
        "print(mine.isolation, mine.run(flip(), shots=3).result(60).get_counts())\n"
        "bad = flip()\n"
        "bad.name = 'bad'\n"
        "job = mine.run(bad)\n"
        "job.wait_for_final_state(60)\n"
        "try:\n"
        "    job.result()\n"
        "except Exception as error:\n"
        "    print(type(error.__cause__) is Odd, error.__cause__.args != (os.getpid(),))\n"
    )
    done = python("-c", program)
    assert done.stdout == "process {'1': 3}\nTrue True\n", done.stderr


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    worker = Worker()
    worker.wait_ready(lambda: None)
    yield worker
    worker.end()


def end_of_run(worker: Worker, source: BackendSource, body: bytes) -> tuple[Any, ...]:
    reported: list[JobStatus] = []
    end = worker.run(source, body, TaskControl(report_status=reported.append))
    assert reported[0] is JobStatus.VALIDATING  # it was accepted
    return end


def answer(worker: Worker, behaviour: Any) -> tuple[Any, ...]:
    """The end of a run of two circuits."""
    source = BackendSource(pickled=pickle.dumps(theirs.Foreign(behaviour)))
    return end_of_run(worker, source, pickled(([circuit("a"), circuit("bad")], {})))


def test_a_run_is_accepted_and_answered_by_its_result(worker: Worker) -> None:
    kind, result = answer(worker, theirs.plain)
    assert kind == "done"
    assert [one.header["name"] for one in result.results] == ["a", "bad"]
    assert result.metadata["pid"] == worker.pid


def test_a_run_that_fails_is_answered_by_the_error_and_what_succeeded(worker: Worker) -> None:
    kind, text, plain, partial_result = answer(worker, theirs.failing)
    assert kind == "failed"
    assert "'bad'" in text
    cause = error_from_plain(plain, by_pickle=True)
    assert isinstance(cause, ValueError)
    assert "in failing" in str(cause.__cause__)
    assert [one.header["name"] for one in partial_result.results] == ["a"]


def test_a_run_that_the_backend_cancels_is_answered_so(worker: Worker) -> None:
    kind, _ = answer(worker, theirs.refused)
    assert kind == "cancelled"


def test_a_body_that_cannot_be_read_fails_the_run_and_not_the_worker(worker: Worker) -> None:
    source = BackendSource(pickled=pickle.dumps(theirs.Foreign(theirs.plain)))
    kind, text, *_ = end_of_run(worker, source, b"no pickle")
    assert kind == "failed"
    assert "UnpicklingError" in text
    assert worker.alive
