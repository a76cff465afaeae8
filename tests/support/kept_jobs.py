"""Jobs to keep: facts, circuits and results for tests of the store."""

from __future__ import annotations

import os
import signal
from datetime import datetime, timezone
from typing import Any

from qiskit import QuantumCircuit
from qiskit.providers import JobStatus

from simquay.jobs.store.store import JobFacts, JobStore
from tests.support.processes import python

__all__ = ["a_circuit", "another_process", "kept", "some_facts"]


def a_circuit(name: str = "coin") -> QuantumCircuit:
    """One coin."""
    circuit = QuantumCircuit(1, 1, name=name, metadata={"x": [1, 2]})
    circuit.h(0)
    circuit.measure(0, 0)
    return circuit


def some_facts(store: JobStore, **others: Any) -> JobFacts:
    """Those of a new job of this process."""
    fields: dict[str, Any] = {
        "id": os.urandom(16).hex(),
        "kind": "run",
        "backend": "numpy",
        "status": JobStatus.QUEUED,
        "created": datetime.now(timezone.utc),
        "started": None,
        "ended": None,
        "tags": (),
        "metadata": {"engine": "numpy"},
        "circuits": 1,
        "tasks": 2,
        "host": "here",
        "pid": os.getpid(),
        "owner": store.own_name(),
        "versions": {"simquay": "1", "python": "3"},
        "error": None,
        "resumed": 0,
    }
    return JobFacts(**{**fields, **others})


def kept(store: JobStore, **others: Any) -> str:
    """The id of a job of this process that was just created."""
    facts = some_facts(store, **others)
    assert store.create(facts, circuits=[a_circuit()], request=b"all of it") == ()
    return facts.id


_HEAD = """
import os, signal
from datetime import datetime, timezone
from pathlib import Path
from qiskit.providers import JobStatus
from simquay.jobs.store.store import JobStore
from tests.support.job_doubles import a_result
from tests.support.kept_jobs import a_circuit, kept, some_facts

now = datetime.now(timezone.utc)

def running():
    job = kept(store)
    store.set_status(job, JobStatus.RUNNING, at=now)
    print(job, flush=True)
    return job

def die():
    os.kill(os.getpid(), signal.SIGKILL)
"""


def another_process(code: str, store: JobStore) -> str:
    """Run a program that has the ``store``, ``running`` jobs and ``die``; returns its output."""
    done = python("-c", f"{_HEAD}\nstore = JobStore(Path({str(store.folder)!r}))\n{code}")
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.stdout


def a_bell_pair() -> QuantumCircuit:
    """Two coins that agree."""
    circuit = QuantumCircuit(2, 2, name="bell")
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure([0, 1], [0, 1])
    return circuit


def newest(store: JobStore) -> str:
    """The id of the last job."""
    return store.list(limit=1)[0].id
