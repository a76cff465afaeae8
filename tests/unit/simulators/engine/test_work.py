"""Results and errors of a run on an engine."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit.classical import expr
from qiskit.quantum_info import Kraus

from simquay.circuits.info import CircuitInfo
from simquay.circuits.lowering.circuit import lower
from simquay.engines.reference import ReferenceEngine
from simquay.errors import OutOfMemoryError
from simquay.execution import counting
from simquay.execution.counting import counted_bytes
from simquay.execution.kinds import counts_bytes
from simquay.execution.settings import Outcome, RunContext
from simquay.jobs.dispatch.tasks import TaskControl
from simquay.jobs.errors import JobFailedError
from simquay.jobs.job import TaskEnd
from simquay.simulators.engine.backend import EngineBackend
from simquay.simulators.engine.work import EngineRun
from simquay.simulators.options import default_options, resolve


def bell(name: str = "bell", *, measure: bool = True) -> QuantumCircuit:
    made = QuantumCircuit(2, 2, name=name)
    made.h(0)
    made.cx(0, 1)
    if measure:
        made.measure([0, 1], [0, 1])
    return made


def run_of(*circuits: QuantumCircuit, **options: Any) -> EngineRun:
    programs, infos = [*map(lower, circuits)], [*map(CircuitInfo.of, circuits)]
    context, *_ = resolve(default_options(), options)
    return EngineRun(programs, infos, ReferenceEngine(), context, "b", "7", repr)


def test_a_run_of_two_circuits_gives_both_results_in_order() -> None:
    run = run_of(bell("one"), bell("two"), shots=50, seed_simulator=3)
    task = run.task()
    assert task.needs is not None
    result = run.join([TaskEnd(task.run(TaskControl()), None, 1, TaskControl())], "the-id", 0.1)
    assert [one.header["name"] for one in result.results] == ["one", "two"]
    assert (result.job_id, result.backend_name, result.backend_version) == ("the-id", "b", "7")
    for index in range(2):
        counts = result.get_counts(index)
        assert set(counts) <= {"00", "11"}
        assert sum(counts.values()) == 50


def test_the_error_names_the_first_circuit_that_failed_and_keeps_the_others() -> None:
    made = run_of(bell("zero"), bell("one"), bell("two"))
    outcome = Outcome({"samples": np.zeros((1024, 1), dtype=np.uint64)})
    kept = made.shower()(1, outcome, 0.5, TaskControl())
    with pytest.raises(JobFailedError) as caught:
        made.result([kept], {2: ValueError("late"), 0: KeyError("early")}, "id", 1.0, {})
    assert "circuit 'zero' (number 0 of the job) failed: KeyError: 'early'" in str(caught.value)
    assert "2 of 3 circuits failed" in str(caught.value)
    assert isinstance(caught.value.__cause__, KeyError)
    partial = caught.value.partial_result
    assert partial is not None
    assert [one.header["name"] for one in partial.results] == ["one"]


def test_an_error_of_the_task_is_that_of_its_circuits() -> None:
    with pytest.raises(JobFailedError, match=r"circuit 'one'.*2 of 2 circuits failed") as caught:
        run_of(bell("one"), bell("two")).join(
            [TaskEnd(None, KeyError("no"), 1, TaskControl())], "the-id", 0.1
        )
    assert isinstance(caught.value.__cause__, KeyError)
    assert caught.value.partial_result is None


def storing() -> QuantumCircuit:
    made = QuantumCircuit(1, 1)
    made.store(made.clbits[0], expr.lift(True))
    return made


def with_a_variable_alone() -> QuantumCircuit:
    made = QuantumCircuit(1, 1)
    made.add_var("a", expr.lift(True))
    return made


@pytest.mark.parametrize(
    ("circuit", "counted"),
    [
        (bell(), True),
        (storing(), True),
        (bell(measure=False), False),
        (with_a_variable_alone(), False),
        (QuantumCircuit(1), False),
    ],
)
def test_only_circuits_that_write_bits_have_counts(circuit: QuantumCircuit, counted: bool) -> None:
    outcome = Outcome({"samples": np.zeros((4, 1), dtype=np.uint64)})
    result = run_of(circuit, shots=4).shower()(0, outcome, 0.0, TaskControl())
    assert hasattr(result.data, "counts") is counted


@pytest.mark.parametrize("options", [{}, {"max_shots_per_task": 400}])
def test_counts_that_do_not_fit_max_memory_fail_the_circuit(
    options: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    left = counts_bytes(RunContext(max_bytes=1 << 20), ReferenceEngine(), 7, 1000)
    assert left is not None
    assert counted_bytes(4, 2, False) < left
    circuit = QuantumCircuit(7, name="spread")
    circuit.h(range(7))
    circuit.measure_all()
    monkeypatch.setattr(counting, "counted_bytes", lambda many, bits, memory: many * left // 100)
    backend = EngineBackend(ReferenceEngine(), name="reference")
    job = backend.run([circuit, bell()], max_memory_mb=1, shots=1000, **options)
    with pytest.raises(JobFailedError, match=r"'spread'.*different outcomes") as caught:
        job.result(30)
    assert isinstance(caught.value.__cause__, OutOfMemoryError)
    partial = caught.value.partial_result
    assert partial is not None
    assert [one.header["name"] for one in partial.results] == ["bell"]


def test_where_a_density_matrix_does_not_fit_trajectories_are_told() -> None:
    circuit = QuantumCircuit(8, name="noisy")
    circuit.h(range(8))
    circuit.append(Kraus([np.eye(2) * 0.8, np.diag([0.6, -0.6])]).to_instruction(), [0])
    circuit.measure_all()
    backend = EngineBackend(ReferenceEngine(), name="reference")
    job = backend.run(circuit, max_memory_mb=3, shots=10, method="density_matrix")
    with pytest.raises(
        JobFailedError, match=r"allows 3 MiB; method='trajectories' needs [0-9.]+ KiB"
    ):
        job.result(30)
    job = backend.run(circuit, max_memory_mb=3, shots=10)
    assert job.result(30).results[0].metadata["method"] == "trajectories"
    job = backend.run(circuit, max_memory_mb=7, shots=10_000, method="density_matrix")
    assert job.result(30).results[0].metadata["method"] == "density_matrix"


@pytest.mark.parametrize("options", [{}, {"max_shots_per_task": 400}])
def test_results_that_are_kept_count_against_max_memory(options: dict[str, int]) -> None:
    circuit = QuantumCircuit(10, name="spread")
    circuit.h(range(10))
    circuit.measure_all()
    backend = EngineBackend(ReferenceEngine(), name="reference")
    backend.run(circuit, max_memory_mb=1.5, shots=10_000, **options).result(30)
    job = backend.run([circuit] * 20, max_memory_mb=1.5, shots=10_000, **options)
    with pytest.raises(JobFailedError, match="results of earlier circuits") as caught:
        job.result(30)
    partial = caught.value.partial_result
    assert partial is not None
    each = counted_bytes(1024, 10, False)
    assert len(partial.results) == ((3 << 19) - 80_000 - 8_000) // each
