"""adapt: runs in worker processes."""

from __future__ import annotations

import threading
from typing import Any

import psutil
import pytest
from qiskit.providers import JobError, JobStatus

from simquay.jobs.errors import JobFailedError
from simquay.jobs.workers.pool import default_workers
from tests.support import foreign_backends as theirs
from tests.support.adapted_runs import adapted, circuit
from tests.support.job_doubles import LONG, until

pytestmark = [pytest.mark.timeout(120), pytest.mark.slow]


@pytest.mark.parametrize(
    ("behaviour", "said"), [(theirs.killed, "SIGKILL"), (theirs.leaving, "exit code 7")]
)
def test_a_worker_that_dies_under_a_run_fails_the_job(behaviour: Any, said: str) -> None:
    job = adapted(behaviour, "process").run(circuit())
    with pytest.raises(JobFailedError, match=f"worker process .*{said}"):
        job.result(LONG)
    assert adapted(theirs.plain, "process").run(circuit()).result(LONG).success


def test_a_worker_that_died_idle_is_replaced() -> None:
    backend = adapted(theirs.plain, "process")
    assert backend.run(circuit()).result(LONG).success
    for pid in default_workers().pids():
        psutil.Process(pid).kill()
    assert backend.run(circuit()).result(LONG).success


def test_workers_are_used_again() -> None:
    backend, other = adapted(theirs.plain, "process"), adapted(theirs.slow, "process")
    pids = {
        one.run(circuit()).result(LONG).metadata["pid"]
        for one in (backend, other, backend, other)
        for _ in range(3)
    }
    assert len(pids) == 1


def test_more_backends_than_a_worker_keeps() -> None:
    backends = [adapted(theirs.plain, "process", shots=shots) for shots in range(1, 12)]
    for backend in (*backends, *backends):
        result = backend.run(circuit()).result(LONG)
        assert result.metadata["shots"] == backend.foreign.options.shots


def test_jobs_from_many_threads_end_right() -> None:
    good, bad = adapted(theirs.failing, "process"), circuit("bad")
    ends: dict[int, JobStatus] = {}

    def work(index: int) -> None:
        job = good.run(bad if index % 4 == 3 else circuit())
        if index % 4 == 2:
            job.cancel()
        job.wait_for_final_state(LONG)
        ends[index] = job.status()

    threads = [threading.Thread(target=work, args=(index,)) for index in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(2 * LONG)
    assert len(ends) == 24
    for index, status in ends.items():
        if index % 4 == 3:
            assert status is JobStatus.ERROR
        elif index % 4 != 2:
            assert status is JobStatus.DONE
        else:
            assert status in (JobStatus.CANCELLED, JobStatus.DONE)


def test_an_error_without_a_class_here_still_says_what_it_was() -> None:
    job = adapted(theirs.raising_oddly, "process").run(circuit())
    with pytest.raises(JobError) as caught:
        job.result(LONG)
    assert "UnpicklableError" in str(caught.value.__cause__)
    assert "in raising_oddly" in str(caught.value.__cause__.__cause__)


def test_a_backend_is_warmed_up_where_it_runs_in_processes() -> None:
    default_workers().stop()  # as if the interpreter ended: nothing is started from here on
    default_workers()._renew()
    adapted(theirs.plain).warm_up()
    assert default_workers().pids() == []
    backend = adapted(theirs.plain, "process")
    backend.warm_up()
    assert until(lambda: len(default_workers().pids()) == 1, LONG)
    (pid,) = default_workers().pids()
    assert backend.run(circuit()).result(LONG).metadata["pid"] == pid
