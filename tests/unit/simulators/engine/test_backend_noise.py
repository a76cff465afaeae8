"""Runs with a noise model: where it is given, what it is read of, and what is said of it."""

from __future__ import annotations

import copy
import math
import pickle
from concurrent.futures import Executor
from typing import Any

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.circuit.library import Measure, XGate
from qiskit.transpiler import InstructionProperties, Target

import simquay
from simquay.errors import ManyStatesError, SimquayWarning
from simquay.jobs.errors import JobFailedError
from tests.support.flips import Flips
from tests.support.job_doubles import LONG

SEED = 11


def chain(qubits: int = 3) -> QuantumCircuit:
    circuit = QuantumCircuit(qubits, name="chain")
    circuit.h(0)
    for qubit in range(1, qubits):
        circuit.cx(qubit - 1, qubit)
    circuit.measure_all()
    return circuit


def ones(qubits: int = 1) -> QuantumCircuit:
    circuit = QuantumCircuit(qubits, name="ones")
    circuit.x(range(qubits))
    circuit.measure_all()
    return circuit


def device(error: float = 0.25) -> Target:
    """One qubit whose x depolarizes."""
    target = Target(num_qubits=1)
    target.add_instruction(XGate(), {(0,): InstructionProperties(error=error)})
    target.add_instruction(Measure(), {(0,): None})
    return target


def counts(**options: Any) -> dict[str, int]:
    backend = simquay.get_backend("numpy")
    found: dict[str, int] = (
        backend.run(ones(), seed_simulator=SEED, **options).result(LONG).get_counts()
    )
    return found


@pytest.mark.parametrize("method", ["trajectories", "density_matrix", "automatic"])
def test_errors_that_are_certain_happen_always(method: str) -> None:
    certain = Flips({"x": 1.0})
    assert counts(noise_model=certain, method=method) == {"0": 1024}
    assert counts(noise_model=Flips({}, misread=1.0), method=method) == {"0": 1024}
    assert counts(noise_model=Flips({"x": 1.0}, misread=1.0), method=method) == {"1": 1024}


def test_options_of_the_run_come_before_those_of_the_backend() -> None:
    backend = simquay.get_backend("numpy")
    noise = Flips({"x": 1.0})
    backend.set_options(noise_model=noise)
    assert backend.options.noise_model is noise
    assert backend.run(ones()).result(LONG).get_counts() == {"0": 1024}
    other = Flips({"x": 1.0}, misread=1.0)
    assert backend.run(ones(), noise_model=other).result(LONG).get_counts() == {"1": 1024}
    assert backend.run(ones(), noise_model=None).result(LONG).get_counts() == {
        "0": 1024
    }  # not given
    backend.set_options(noise_model=None)
    assert backend.run(ones()).result(LONG).get_counts() == {"1": 1024}


def test_a_target_that_changed_is_read_again() -> None:
    target = device(0.25)
    backend = simquay.get_backend("numpy")
    backend.set_options(noise_model=target, shots=4000, seed_simulator=SEED)
    first = backend.run(ones()).result(LONG).get_counts()
    # Depolarizing of strength 1/2 has that infidelity, and flips half as often.
    assert abs(first["0"] / 4000 - 0.25) < 0.04
    target.update_instruction_properties("x", (0,), InstructionProperties(error=0.0))
    assert backend.run(ones()).result(LONG).get_counts() == {"1": 4000}
    assert backend.options.noise_model is target


def test_a_model_of_other_instructions_is_told_and_the_run_is_ideal() -> None:
    backend = simquay.get_backend("numpy")
    said = "it has errors of ecr, sx, and the circuits have barrier, cx, h, measure, x; transpile"
    with pytest.warns(SimquayWarning, match=said) as caught:
        job = backend.run(
            [chain(), ones()], noise_model=Flips({"sx": 0.5, "ecr": 0.5}), seed_simulator=SEED
        )
    assert [one.filename for one in caught] == [__file__]
    ideal = backend.run([chain(), ones()], seed_simulator=SEED)
    result = job.result(LONG)
    assert result.get_counts() == ideal.result(LONG).get_counts()
    assert result.results[0].metadata.keys() == ideal.result().results[0].metadata.keys()


@pytest.mark.filterwarnings("error")
def test_a_model_of_some_circuits_instructions_is_not_told() -> None:
    backend = simquay.get_backend("numpy")
    backend.run([chain(), ones()], noise_model=Flips({"x": 0.5})).result(LONG)
    backend.run(chain(), noise_model=Flips({})).result(LONG)  # it has no errors at all


def test_points_have_noise() -> None:
    angle = Parameter("angle")
    circuit = QuantumCircuit(1)
    circuit.rx(angle, 0)
    circuit.measure_all()
    job = simquay.get_backend("numpy").run(
        circuit, parameter_binds=[{angle: [0.0, math.pi]}], noise_model=Flips({"rx": 1.0})
    )
    assert job.result(LONG).get_counts() == [{"1": 1024}, {"0": 1024}]


@pytest.mark.parametrize("options", [{"max_shots_per_task": 30}, {"max_circuits_per_task": 1}])
@pytest.mark.parametrize("method", ["trajectories", "density_matrix"])
def test_counts_do_not_depend_on_the_split(options: dict[str, int], method: str) -> None:
    backend = simquay.get_backend("numpy")
    noise = Flips({"h": 0.1, "cx": 0.2, "x": 0.3}, misread=0.1)
    backend.set_options(noise_model=noise, method=method, shots=100, seed_simulator=SEED)
    whole = backend.run([chain(), ones()], memory=True).result(LONG)
    job = backend.run([chain(), ones()], memory=True, **options)
    split = job.result(LONG)
    assert len(split.metadata["tasks"]) > 1
    assert [split.get_memory(one) for one in (0, 1)] == [whole.get_memory(one) for one in (0, 1)]
    assert len(set(whole.get_memory(0))) > 2


def test_another_process_runs_the_noise_of_the_programs(processes: Executor) -> None:
    backend = simquay.get_backend("numpy")
    noise = Flips({"h": 0.1, "cx": 0.2}, misread=0.1)
    backend.set_options(noise_model=noise, shots=100, seed_simulator=SEED)
    here = backend.run(chain()).result(LONG).get_counts()
    job = backend.run(chain(), executor=processes, max_shots_per_task=50)
    assert job.result(LONG).get_counts() == here


def test_a_pickled_or_copied_backend_has_its_noise() -> None:
    backend = simquay.get_backend("numpy")
    backend.set_options(noise_model=device(), seed_simulator=SEED)
    here = backend.run(ones()).result(LONG).get_counts()
    for other in (pickle.loads(pickle.dumps(backend)), copy.deepcopy(backend)):
        assert other.run(ones()).result(LONG).get_counts() == here
    assert copy.deepcopy(backend).options.noise_model is backend.options.noise_model


def test_one_state_of_a_noisy_circuit_is_refused() -> None:
    backend = simquay.get_backend("numpy")
    job = backend.run(ones(), noise_model=Flips({"x": 0.5}), statevector=True)
    with pytest.raises(JobFailedError, match="the noise on qubit 0 splits its shots") as caught:
        job.result(LONG)
    assert isinstance(caught.value.__cause__, ManyStatesError)
    one = backend.run(ones(), noise_model=Flips({"x": 0.5}), statevector=True, shots=1)
    assert one.result(LONG).get_statevector().probabilities().max() == 1


def test_the_density_matrix_of_a_noisy_circuit() -> None:
    backend = simquay.get_backend("numpy")
    backend.set_options(noise_model=Flips({"x": 0.25}), method="density_matrix")
    result = backend.run(ones(2), density_matrix=True).result(LONG)
    expected = np.kron(np.diag([0.25, 0.75]), np.diag([0.25, 0.75]))
    np.testing.assert_allclose(result.data()["density_matrix"].data, expected, atol=1e-12)
    assert result.results[0].metadata["method"] == "density_matrix"
    assert set(result.get_counts()) == {"00", "01", "10", "11"}


def test_a_circuit_without_a_density_matrix_says_so() -> None:
    circuit = chain(2)
    circuit.h(0)
    circuit.measure_all()
    backend = simquay.get_backend("numpy")
    job = backend.run(circuit, noise_model=Flips({"cx": 0.1}), method="density_matrix")
    with pytest.raises(JobFailedError, match="it measures in the middle; method='trajectories'"):
        job.result(LONG)
