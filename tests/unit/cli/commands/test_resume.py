"""``simquay resume``: what is missing of a kept job runs, and its result is shown."""

from __future__ import annotations

import json
from typing import Any

import simquay
from simquay.jobs.store.store import JobStore
from simquay.primitives import EstimatorV2
from tests.support.dead_jobs import left_by_a_dead_process
from tests.support.kept_jobs import a_bell_pair

BACKEND = "numpy"


def test_a_job_that_lost_its_process_is_resumed(cli: Any, store: JobStore) -> None:
    job = simquay.get_backend(BACKEND).run(a_bell_pair(), shots=40, seed_simulator=5)
    counts = job.result().get_counts()
    job_id = job.job_id()
    del job
    left_by_a_dead_process(store, job_id)
    cli("result", job_id).assert_fails(1, "process ", f"simquay resume {job_id}")
    document = json.loads(cli("resume", job_id, "--json").out)
    assert document["circuits"][0]["counts"] == counts
    assert "bell: 2 qubits" in cli("resume", job_id).out  # it is done: nothing runs
    assert store.facts(job_id).resumed == 1


def test_what_cannot_be_resumed(cli: Any, store: JobStore) -> None:
    circuit = a_bell_pair().remove_final_measurements(inplace=False)
    job = EstimatorV2("basic", default_precision=0.2).run([(circuit, "ZZ")])
    job.result()
    job_id = job.job_id()
    del job
    left_by_a_dead_process(store, job_id)
    cli("resume", job_id).assert_fails(2, job_id, "run your pubs again")
