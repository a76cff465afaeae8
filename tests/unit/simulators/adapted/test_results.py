"""Foreign results, made to read as every result of Simquay."""

from __future__ import annotations

from typing import Any

import pytest
from qiskit import QuantumCircuit
from qiskit.result import Result
from qiskit.result.models import ExperimentResult, ExperimentResultData

from simquay.simulators.adapted.results import normalized_result, writes_bits


def foreign(*data: dict[str, Any]) -> Result:
    results = [
        ExperimentResult(shots=4, success=True, data=ExperimentResultData(**one)) for one in data
    ]
    return Result(backend_name="theirs", job_id="their-id", success=True, results=results)


def test_it_gets_the_names_of_job_and_backend() -> None:
    result = normalized_result(
        foreign({"counts": {"0x1": 4}}), "my-id", backend_name="mine", silent=[False]
    )
    assert (result.job_id, result.backend_name) == ("my-id", "mine")
    assert result.data()["counts"] == {"0x1": 4}


def test_counts_of_a_circuit_that_measures_nothing_are_dropped_and_other_data_kept() -> None:
    both = {"counts": {"0x0": 4}, "memory": ["0x0"] * 4, "statevector": [1, 0]}
    result = normalized_result(foreign(both, both), "id", backend_name="b", silent=[True, False])
    assert set(result.data(0)) == {"statevector"}
    assert set(result.data(1)) == {"counts", "memory", "statevector"}


def test_empty_counts_are_dropped() -> None:
    result = normalized_result(foreign({"counts": {}}), "id", backend_name="b", silent=[False])
    assert "counts" not in result.data(0)


def test_of_a_partial_result_nobody_knows_which_circuits_it_is_of() -> None:
    counts = {"counts": {"0x0": 4}}
    result = normalized_result(foreign(counts), "id", backend_name="b", silent=[True, False])
    assert result.data(0)["counts"] == {"0x0": 4}


def measured() -> QuantumCircuit:
    made = QuantumCircuit(1, 1)
    made.measure(0, 0)
    return made


def inside() -> QuantumCircuit:
    made = QuantumCircuit(1, 1)
    with made.for_loop(range(2)):
        made.measure(0, 0)
    return made


def barred() -> QuantumCircuit:
    made = QuantumCircuit(1, 1)
    made.barrier()
    return made


@pytest.mark.parametrize(
    ("circuit", "writes"),
    [
        (measured(), True),
        (inside(), True),
        (barred(), False),
        (QuantumCircuit(1), False),
        (QuantumCircuit(1, 1), False),
    ],
)
def test_writes_bits(circuit: QuantumCircuit, writes: bool) -> None:
    assert writes_bits(circuit) is writes
