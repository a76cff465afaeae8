"""Runs on foreign backends: the points that differ for them (J02, J11, J12, J17, J18)."""

from __future__ import annotations

import threading
from typing import Any

import psutil
import pytest
from qiskit import QuantumCircuit
from qiskit.providers import JobStatus

from simquay.jobs.errors import JobFailedError
from simquay.jobs.workers.pool import default_workers
from tests.support import foreign_backends as theirs
from tests.support.adapted_runs import BOTH, adapted, circuit
from tests.support.job_doubles import LONG, until

pytestmark = pytest.mark.timeout(120)


@BOTH
def test_j02_a_run_is_a_snapshot(isolation: str) -> None:
    seen: list[Any] = []
    go = threading.Event()

    def waiting(circuits: list[QuantumCircuit], options: dict[str, Any]) -> Any:
        go.wait(LONG)
        seen.append((circuits, options["extra"]))
        return theirs.plain(circuits, options)

    backend = adapted(waiting if isolation == "thread" else theirs.slow, isolation)
    first, extra = circuit(), [1]
    job = backend.run([first], extra=extra)
    first.data.clear()
    first.name = "changed"
    extra.append(2)
    backend.set_options(shots=99)
    go.set()
    result = job.result(LONG)
    assert result.results[0].header["name"] == "good"
    assert result.metadata["shots"] == 7
    if isolation == "thread":
        assert seen[0][1] == [1]
        assert len(seen[0][0][0].data) == 2


@BOTH
@pytest.mark.parametrize("behaviour", [theirs.failing, theirs.unsuccessful])
def test_j12_the_error_names_the_circuit_and_keeps_the_others(
    behaviour: Any, isolation: str
) -> None:
    job = adapted(behaviour, isolation).run([circuit("a"), circuit("bad"), circuit("c")])
    job.wait_for_final_state(LONG)
    assert job.status() is JobStatus.ERROR
    with pytest.raises(JobFailedError, match="bad") as caught:
        job.result()
    assert job.error_message() == str(caught.value)
    partial = caught.value.partial_result
    assert partial is not None
    assert partial.job_id == job.job_id()
    assert [one.header["name"] for one in partial.results] == ["a", "c"]
    assert partial.get_counts("c") == {"0": 1}
    if behaviour is theirs.failing:
        cause = caught.value.__cause__
        assert isinstance(cause, ValueError)
        assert "in failing" in str(cause.__cause__)
        assert cause.__traceback__ is None


@BOTH
@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        (theirs.no_result, "an object of type dict: expected a qiskit.result.Result"),
        (theirs.raising_oddly, "UnpicklableError: odd error"),
        (theirs.exiting, "SystemExit: enough"),
    ],
)
def test_j11_whatever_goes_wrong_fails_the_job(behaviour: Any, said: str, isolation: str) -> None:
    job = adapted(behaviour, isolation).run(circuit())
    with pytest.raises(JobFailedError, match=said):
        job.result(LONG)
    assert job.status() is JobStatus.ERROR


def test_j18_cancelling_kills_the_worker_and_the_next_job_runs() -> None:
    backend = adapted(theirs.endless, "process")
    job = backend.run(circuit())
    assert until(job.running)
    running = {pid for pid in default_workers().pids() if psutil.pid_exists(pid)}
    assert job.cancel() is True
    assert job.status() is JobStatus.CANCELLED
    assert until(lambda: any(not psutil.pid_exists(pid) for pid in running), 1.0)
    assert adapted(theirs.plain, "process").run(circuit()).result(LONG).success


def test_j17_a_queued_job_that_is_cancelled_never_runs() -> None:
    backend = adapted(theirs.endless, "process")
    jobs = [backend.run(circuit()) for _ in range(8)]
    for job in reversed(jobs):
        assert job.cancel()
        assert job.status() is JobStatus.CANCELLED
    assert adapted(theirs.plain, "process").run(circuit()).result(LONG).success
