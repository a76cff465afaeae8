"""Qiskit's own tools for backends and results, and pools of processes."""

from __future__ import annotations

import copy
import pickle
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import joblib
import numpy as np
import pytest
from qiskit import QuantumCircuit, generate_preset_pass_manager, transpile
from qiskit.circuit.library import XGate
from qiskit.primitives import BackendEstimatorV2, BackendSamplerV2
from qiskit.providers import JobStatus
from qiskit.quantum_info import SparsePauliOp, Statevector
from qiskit.result import Result, marginal_counts, sampled_expectation_value
from qiskit.transpiler import InstructionDurations, PassManager, TranspilerError
from qiskit.transpiler.passes import ALAPScheduleAnalysis, PadDynamicalDecoupling
from qiskit_aer.library import save_statevector


def bell() -> QuantumCircuit:
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit


def shots_of_a_bell_pair(backend):
    """A function that other processes can import."""
    return sum(backend.run(bell(), shots=10).result().get_counts().values())


@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_transpiled_circuits_run(backend, level):
    for passes in (
        generate_preset_pass_manager(level, backend=backend),
        generate_preset_pass_manager(level, target=backend.target),
        generate_preset_pass_manager(level, backend=backend, initial_layout=[3, 1]),
    ):
        assert set(backend.run(passes.run(bell())).result().get_counts()) == {"00", "11"}


def test_a_schedule_needs_durations_of_the_programs_own(backend):
    with pytest.raises(TranspilerError, match="Duration of h on qubits"):
        transpile(bell(), backend, scheduling_method="alap")
    times = {"h": 50, "cx": 700, "x": 50, "barrier": 0, "measure": 1000}
    durations = InstructionDurations(
        [(name, None, time, "dt") for name, time in times.items()], dt=1e-9
    )
    pulses = [XGate(), XGate()]
    decoupling = PassManager(
        [ALAPScheduleAnalysis(durations), PadDynamicalDecoupling(durations, pulses)]
    )
    circuit = QuantumCircuit(3)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.cx(1, 2)
    circuit.measure_all()
    padded = decoupling.run(circuit)
    assert {"delay", "x"} < set(padded.count_ops())
    assert set(backend.run(padded).result().get_counts()) == {"000", "111"}


def test_what_a_backend_says_of_itself(backend):
    assert {"cx", "h", "measure", "reset", "if_else"} < set(backend.operation_names)
    assert backend.target.instruction_supported("cx", (0, 1))
    assert ("h", None) in [(one.name, qubits) for one, qubits in backend.instructions]
    assert backend.dt is None
    assert backend.instruction_durations is not None
    assert (backend.options.shots, backend.version) == (1024, 2)
    backend.options.shots = 7
    assert sum(backend.run(bell()).result().get_counts().values()) == 7


def test_a_job_is_watched_in_a_loop(backend):
    job = backend.run(bell(), shots=10)
    end = time.monotonic() + 60
    while job.status() not in (JobStatus.DONE, JobStatus.ERROR, JobStatus.CANCELLED):
        assert time.monotonic() < end
    assert job.done()
    assert job.result().job_id == job.job_id()


def test_a_result_as_a_dictionary_and_its_parts(backend):
    result = backend.run([bell(), bell()], shots=100, memory=True).result()
    again = Result.from_dict(result.to_dict())
    assert again.get_counts(0) == result.get_counts(0)
    assert again.get_memory(1) == result.get_memory(1)
    assert set(marginal_counts(result, [1]).get_counts(0)) == {"0", "1"}
    assert sampled_expectation_value(result.get_counts(0), "ZZ") == 1.0


@pytest.mark.parametrize(
    "way", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))]
)
def test_copies_of_a_backend_run(backend, way):
    copied = way(backend)
    assert copied.name == backend.name
    assert shots_of_a_bell_pair(copied) == 10


def test_pools_take_the_backend(backend):
    with ThreadPoolExecutor(4) as threads:
        assert [*threads.map(shots_of_a_bell_pair, [backend] * 4)] == [10] * 4
    with ProcessPoolExecutor(1) as processes:
        assert processes.submit(shots_of_a_bell_pair, backend).result(60) == 10
    run = joblib.delayed(shots_of_a_bell_pair)
    assert joblib.Parallel(n_jobs=2, prefer="threads")(run(backend) for _ in range(3)) == [10] * 3


def test_a_saved_state_of_a_circuit_that_was_placed(backend):
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    expected = Statevector(circuit)
    save_statevector(circuit)
    placed = transpile(circuit, backend, initial_layout=[3, 1])
    assert backend.run(placed).result().get_statevector().equiv(expected)


def test_qiskits_primitives_with_their_options(backend):
    options = {"default_shots": 200, "seed_simulator": 3}
    sampler = BackendSamplerV2(backend=backend, options=options)
    assert sampler.run([bell()]).result()[0].data.meas.num_shots == 200
    circuit = bell().remove_final_measurements(inplace=False)
    passes = generate_preset_pass_manager(1, backend=backend, initial_layout=[2, 0])
    placed = passes.run(circuit)
    observable = SparsePauliOp(["ZZ", "XX"]).apply_layout(placed.layout)
    estimator = BackendEstimatorV2(backend=backend, options={"abelian_grouping": False})
    found = estimator.run([(placed, observable)]).result()[0].data.evs
    assert np.allclose(found, 2.0)
