"""The result of a job, and its facts."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from qiskit import QuantumCircuit

import simquay
from simquay.cli.errors import FAILED, CommandError
from simquay.cli.views.jobs import job_facts, result_of, summary
from simquay.system.version import simquay_version


def job_of(qubits: int) -> Any:
    circuit = QuantumCircuit(qubits)
    circuit.h(range(qubits))
    circuit.measure_all()
    return simquay.get_backend("numpy").run(circuit, shots=5)


def test_the_result_of_a_job_and_its_facts() -> None:
    job = job_of(1)
    assert sum(result_of(job, "x.qasm").get_counts().values()) == 5
    facts = job_facts(job, 0.25)
    metadata = facts.pop("metadata")
    assert (metadata["engine"], metadata["fallback"]) == ("numpy", None)
    assert facts == {
        "simquay": simquay_version(),
        "backend": "numpy",
        "job_id": job.job_id(),
        "seconds": 0.25,
    }
    assert summary(job, 0.25) == "ran on numpy (cpu), double precision, in 0.25 s"
    assert summary(job, 0.25, loading=True).endswith(", in 0.25 s with loading")


def test_a_job_that_failed() -> None:
    with pytest.raises(CommandError, match="of memory") as raised:
        result_of(job_of(60), "x.qasm")
    assert raised.value.exit_code == FAILED


def test_a_line_tells_nothing_that_the_job_does_not() -> None:
    job: Any = SimpleNamespace(_backend=SimpleNamespace(name="other"), metadata={})
    assert summary(job, None) == "ran on other"
    job.metadata["fallback"] = {"from": "gpu"}
    assert summary(job, None) == "ran on other, in place of gpu"
