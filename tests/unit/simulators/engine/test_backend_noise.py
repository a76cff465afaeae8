"""Runs with a noise model: where it is given, what it is read of, and what is said of it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.circuit.library import Measure, XGate
from qiskit.transpiler import InstructionProperties, Target

import simquay
from simquay.errors import SimquayWarning
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


def test_points_have_noise() -> None:
    angle = Parameter("angle")
    circuit = QuantumCircuit(1)
    circuit.rx(angle, 0)
    circuit.measure_all()
    job = simquay.get_backend("numpy").run(
        circuit, parameter_binds=[{angle: [0.0, math.pi]}], noise_model=Flips({"rx": 1.0})
    )
    assert job.result(LONG).get_counts() == [{"1": 1024}, {"0": 1024}]


def test_the_density_matrix_of_a_noisy_circuit() -> None:
    backend = simquay.get_backend("numpy")
    backend.set_options(noise_model=Flips({"x": 0.25}), method="density_matrix")
    result = backend.run(ones(2), density_matrix=True).result(LONG)
    expected = np.kron(np.diag([0.25, 0.75]), np.diag([0.25, 0.75]))
    np.testing.assert_allclose(result.data()["density_matrix"].data, expected, atol=1e-12)
    assert result.results[0].metadata["method"] == "density_matrix"
    assert set(result.get_counts()) == {"00", "01", "10", "11"}
