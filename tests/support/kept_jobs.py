"""Jobs to keep: facts, circuits and results for tests of the store."""

from __future__ import annotations

import os
from datetime import datetime, timezone
from typing import Any

from qiskit import QuantumCircuit
from qiskit.providers import JobStatus

from simquay.jobs.store.store import JobFacts, JobStore

__all__ = ["a_circuit", "some_facts"]


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
