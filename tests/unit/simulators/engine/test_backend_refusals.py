"""Runs that an engine's backend refuses at once, and runs that fail the job."""

from __future__ import annotations

from typing import Any

import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Instruction
from qiskit.circuit.classical import types
from qiskit.exceptions import QiskitError
from qiskit.providers import JobError, JobStatus
from qiskit_aer.library import SaveDensityMatrix, save_statevector

from simquay.engines.reference import ReferenceEngine
from simquay.errors import (
    ManyStatesError,
    OutOfMemoryError,
    ProgramError,
    SimquayError,
    SimquayWarning,
)
from simquay.execution.memory import ledger_for
from simquay.jobs.errors import JobFailedError
from simquay.simulators.engine.backend import EngineBackend, RunInputError


@pytest.fixture
def backend() -> EngineBackend:
    return EngineBackend(ReferenceEngine(), name="reference")


def test_an_input_variable_has_no_value(backend: EngineBackend) -> None:
    circuit = QuantumCircuit(1, name="needs")
    circuit.add_input("start", types.Bool())
    with pytest.raises(ProgramError, match="start"):
        backend.run(circuit)


def test_an_instruction_without_meaning_is_refused_at_once(backend: EngineBackend) -> None:
    from qiskit.circuit import Instruction

    circuit = QuantumCircuit(1, name="odd")
    circuit.append(Instruction("mystery", 1, 0, []), [0])
    with pytest.raises(SimquayError, match="mystery"):
        backend.run(circuit)


def many_qubits(count: int, name: str = "wide") -> QuantumCircuit:
    circuit = QuantumCircuit(count, name=name)
    circuit.h(range(count))
    circuit.measure_all()
    return circuit


def test_sixty_qubits_fail_the_job_and_allocate_nothing(backend: EngineBackend) -> None:
    class Watched(ReferenceEngine):
        allocated = 0

        def allocate(self, *arguments: Any, **keywords: Any) -> Any:
            Watched.allocated += 1
            return super().allocate(*arguments, **keywords)

    backend = EngineBackend(Watched(), name="watched")
    before = ledger_for(backend.engine).reserved
    job = backend.run(many_qubits(60))
    with pytest.raises(JobFailedError) as caught:
        job.result(20)
    assert job.status() is JobStatus.ERROR
    cause = caught.value.__cause__
    assert isinstance(cause, OutOfMemoryError)
    assert cause.needed >= 16 << 60
    assert 0 < cause.available < 16 << 60
    text = job.error_message()
    assert text == str(caught.value)
    for piece in ("'wide'", "EiB", "available"):
        assert piece in text
    assert Watched.allocated == 0
    assert ledger_for(backend.engine).reserved == before


@pytest.mark.parametrize("shots", [10**13, 10**30])
def test_more_shots_than_fit_the_memory_fail_the_job(backend: EngineBackend, shots: int) -> None:
    job = backend.run(many_qubits(1), shots=shots)
    with pytest.raises(JobFailedError, match=r"needs .*iB of memory.*fewer shots") as caught:
        job.result(20)
    assert isinstance(caught.value.__cause__, OutOfMemoryError)


def test_saved_states_count_as_memory(backend: EngineBackend) -> None:
    circuit = QuantumCircuit(16)  # a state of 1 MiB in double precision
    circuit.h(0)
    save_statevector(circuit, label="a")
    save_statevector(circuit, label="b")
    assert backend.run(circuit, max_memory_mb=4).result(20).success
    with pytest.raises(JobFailedError, match="max_memory_mb"):
        backend.run(circuit, max_memory_mb=1.5).result(20)


def test_saved_data_that_never_fit_are_refused_with_advice(backend: EngineBackend) -> None:
    circuit = QuantumCircuit(30)
    circuit.h(0)
    circuit.append(SaveDensityMatrix(30), range(30))
    with pytest.raises(JobFailedError, match=r"needs 32 EiB of memory.*save less") as caught:
        backend.run(circuit).result(20)
    assert isinstance(caught.value.__cause__, OutOfMemoryError)


def test_max_memory_mb_is_a_limit_of_the_run(backend: EngineBackend) -> None:
    circuit = many_qubits(17)  # 2 MiB of amplitudes in double precision
    with pytest.raises(JobFailedError, match="max_memory_mb") as caught:
        backend.run(circuit, max_memory_mb=1).result(20)
    assert isinstance(caught.value.__cause__, OutOfMemoryError)
    assert caught.value.__cause__.available == 1 << 20


def test_a_circuit_that_fits_not_leaves_the_others_their_results(backend: EngineBackend) -> None:
    small = QuantumCircuit(1, 1, name="small")
    small.measure(0, 0)
    job = backend.run([many_qubits(60), small, many_qubits(61), small])
    with pytest.raises(JobFailedError, match=r"'wide' \(number 0 of the job\)") as caught:
        job.result(20)
    assert "2 of 4 circuits failed" in str(caught.value)
    partial = caught.value.partial_result
    assert partial is not None
    assert [one.header["name"] for one in partial.results] == ["small", "small"]
    assert partial.get_counts(0) == {"0": 1024}


def test_two_states_under_one_key_are_refused(backend: EngineBackend) -> None:
    saving = QuantumCircuit(1, name="saving")
    saving.append(Instruction("save_statevector", 1, 0, []), [0])
    saving.h(0)
    with pytest.raises(RunInputError, match=r"circuit 1 \('saving'\).*label of its own"):
        backend.run([many_qubits(1), saving], statevector=True)
    assert backend.run(saving).result(20).get_statevector().to_dict() == {"0": 1}
    saving.append(Instruction("save_density_matrix", 1, 0, [False]), [0])
    with pytest.raises(RunInputError, match=r"data as 'density_matrix', and density_matrix=True"):
        backend.run(saving, density_matrix=True)


def test_one_state_of_many_is_refused(backend: EngineBackend) -> None:
    circuit = QuantumCircuit(2, 2)
    circuit.h(0)
    circuit.measure(0, 0)
    circuit.h(0)
    circuit.cx(0, 1)
    with circuit.if_test((circuit.clbits[0], True)):
        circuit.x(1)
    with pytest.raises(JobError) as caught:
        backend.run(circuit, statevector=True).result(20)
    assert isinstance(caught.value.__cause__, ManyStatesError)


@pytest.mark.parametrize("clbits", [0, 2])
def test_a_circuit_without_measurement_runs_and_has_no_counts(
    backend: EngineBackend, clbits: int
) -> None:
    circuit = QuantumCircuit(2, clbits)
    circuit.h(0)
    with pytest.warns(SimquayWarning, match=r"measures nothing, .*measure_all\(\)") as told:
        result = backend.run(circuit).result(20)
    assert told[0].filename == __file__
    assert result.success
    with pytest.raises(QiskitError, match="No counts for experiment"):
        result.get_counts()
    backend.run(circuit, statevector=True)  # a warning would be an error
    measured = circuit.measure_all(inplace=False)
    with pytest.warns(SimquayWarning, match="1 of 2 circuits measure nothing"):
        backend.run([measured, circuit])
