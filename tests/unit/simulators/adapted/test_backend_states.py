"""adapt: how a job follows the foreign job, and cancels it."""

from __future__ import annotations

import gc
import threading
import time
from typing import Any

import pytest
from qiskit import QuantumCircuit
from qiskit.providers import JobV1

from simquay.simulators import adapt
from simquay.simulators.adapted.backend import AdaptedBackend
from tests.support import foreign_backends as theirs
from tests.support.adapted_runs import adapted, circuit
from tests.support.foreign_backends import Foreign, HeldJob, LegacyJob, a_result
from tests.support.job_doubles import LONG, until

pytestmark = pytest.mark.timeout(120)


def test_a_foreign_job_that_ignores_cancel_blocks_nobody() -> None:
    stubborn: list[HeldJob] = []

    def behaviour(circuits: list[QuantumCircuit], options: dict[str, Any]) -> Any:
        if circuits[0].name != "stubborn":
            return theirs.plain(circuits, options)
        stubborn.append(HeldJob(circuits, honest=False))
        return stubborn[-1]

    backend = adapt(Foreign(behaviour), isolation="thread")
    backend._backends._another = lambda: Foreign(behaviour)  # so that runs need not take turns
    jobs = [backend.run(circuit("stubborn")) for _ in range(8)]
    for job in jobs:
        assert job.cancel()
    assert backend.run(circuit()).result(LONG).success
    for one in stubborn:
        one.end()


def test_a_backend_that_cannot_be_copied_runs_one_job_after_another() -> None:
    running: list[int] = []
    most: list[int] = []

    def behaviour(circuits: list[QuantumCircuit], options: dict[str, Any]) -> Any:
        running.append(1)
        most.append(len(running))
        time.sleep(0.01)
        running.pop()
        return theirs.plain(circuits, options)

    backend = adapted(behaviour)
    jobs = [backend.run(circuit()) for _ in range(6)]
    assert all(job.result(LONG).success for job in jobs)
    assert most == [1] * 6


def test_legacy_jobs_are_submitted_and_adapted() -> None:
    made: list[LegacyJob] = []

    def behaviour(circuits: list[QuantumCircuit], options: dict[str, Any]) -> Any:
        made.append(LegacyJob(None, "theirs", lambda: a_result(circuits)))
        return made[-1]

    job = adapted(behaviour).run(circuit())
    assert job.result(LONG).get_counts() == {"0": 1}
    assert made[0].submissions == 1
    assert isinstance(job, JobV1)
    assert job.metadata["backend"] == "foreign"


def test_threads_of_a_backend_end_with_it() -> None:
    before = set(threading.enumerate())
    backend: AdaptedBackend | None = adapted(theirs.plain)
    assert backend is not None
    backend.run(circuit()).result(LONG)
    started = set(threading.enumerate()) - before
    assert started
    backend = None

    def gone() -> bool:
        gc.collect()
        return not any(thread.is_alive() for thread in started)

    assert until(gone, 5)
