"""Outcomes → Qiskit's ``Result``, as Qiskit's own utilities and Aer's users read it."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Clbit, Qubit
from qiskit.exceptions import QiskitError
from qiskit.primitives import BackendEstimatorV2, BackendSamplerV2
from qiskit.quantum_info import DensityMatrix, SparsePauliOp, Statevector
from qiskit.result import Result, marginal_counts, marginal_distribution
from qiskit_aer import AerSimulator

from simquay.engines.reference import ReferenceEngine
from simquay.simulators.engine.backend import EngineBackend


@pytest.fixture
def backend() -> EngineBackend:
    return EngineBackend(ReferenceEngine(), name="reference")


def known_bits(bits: str, registers: list[tuple[str, int]]) -> QuantumCircuit:
    """A circuit whose classical bit ``k`` ends as ``bits[k]``, over registers of these sizes."""
    circuit = QuantumCircuit(QuantumRegister(len(bits), "q"), name="known")
    for name, size in registers:
        circuit.add_register(ClassicalRegister(size, name))
    for index, bit in enumerate(bits):
        if bit == "1":
            circuit.x(index)
        circuit.measure(index, index)
    return circuit


# --- what Qiskit's Result makes of it ----------------------------------------------------------


def test_registers_are_printed_as_qiskit_prints_them(backend: EngineBackend) -> None:
    circuit = known_bits("110100", [("a", 2), ("b", 1), ("c", 3)])
    result = backend.run(circuit, shots=5, memory=True).result()
    assert result.get_counts() == {"001 0 11": 5}
    assert result.get_memory() == ["001 0 11"] * 5
    assert result.data()["counts"] == {"0xb": 5}
    assert result.data()["memory"] == ["0xb"] * 5


def test_the_header_is_aers(backend: EngineBackend) -> None:
    circuit = known_bits("10", [("a", 1), ("b", 1)])
    circuit.metadata = {"trial": 3}
    circuit.global_phase = 0.25
    ours = backend.run(circuit).result().results[0].header
    theirs = AerSimulator().run(circuit).result().results[0].header
    assert {key: ours[key] for key in theirs} == theirs
    json.dumps(ours)


def test_the_fields_of_a_result(backend: EngineBackend) -> None:
    job = backend.run(known_bits("1", [("c", 1)]), shots=9, seed_simulator=4)
    result = job.result()
    assert isinstance(result, Result)
    assert result.success is True
    assert result.status == "COMPLETED"
    assert result.job_id == job.job_id()
    assert result.backend_name == "reference"
    assert result.backend_version == backend.backend_version
    assert result.time_taken >= result.results[0].time_taken > 0
    one = result.results[0]
    assert (one.success, one.status, one.shots, one.seed) == (True, "DONE", 9, 4)
    assert one.metadata["branches"] == 1
    json.dumps(result.to_dict())
    again = Result.from_dict(result.to_dict())
    assert again.get_counts() == result.get_counts() == {"1": 9}


def test_several_circuits_by_index_name_and_circuit(backend: EngineBackend) -> None:
    circuits = [known_bits("10", [("c", 2)]), known_bits("01", [("c", 2)])]
    circuits[0].name, circuits[1].name = "first", "second"
    result = backend.run((circuit for circuit in circuits), shots=3, memory=True).result()
    assert result.get_counts() == [{"01": 3}, {"10": 3}]
    assert result.get_counts(1) == result.get_counts("second") == {"10": 3}
    assert result.get_counts(circuits[0]) == {"01": 3}
    assert result.get_memory("first") == ["01"] * 3


def test_memory_is_in_the_order_of_the_shots(backend: EngineBackend) -> None:
    circuit = QuantumCircuit(3)
    circuit.h(range(3))
    circuit.measure_all()
    result = backend.run(circuit, shots=500, memory=True, seed_simulator=2).result()
    memory = result.get_memory()
    assert Counter(memory) == result.get_counts()
    assert len(set(memory[:20])) > 2  # not sorted


def test_without_memory_there_is_none(backend: EngineBackend) -> None:
    result = backend.run(known_bits("1", [("c", 1)])).result()
    with pytest.raises(QiskitError, match="No memory for experiment"):
        result.get_memory()


def test_loose_bits_and_overlapping_registers_keep_every_bit(backend: EngineBackend) -> None:
    """Sizes of registers that do not add up to the bits would cut the printed counts."""
    loose = QuantumCircuit([Qubit(), Qubit(), Qubit()], [Clbit(), Clbit(), Clbit()])
    loose.x([0, 2])
    loose.measure(range(3), range(3))
    assert backend.run(loose, shots=2).result().get_counts() == {"101": 2}

    mixed = QuantumCircuit(QuantumRegister(3, "q"), [Clbit()], ClassicalRegister(2, "c"))
    mixed.x([0, 2])
    mixed.measure(range(3), range(3))
    assert backend.run(mixed, shots=2).result().get_counts() == {"101": 2}

    bits = [Clbit(), Clbit(), Clbit()]
    overlapping = QuantumCircuit(QuantumRegister(3, "q"), bits)
    overlapping.add_register(ClassicalRegister(bits=bits[:2], name="low"))
    overlapping.add_register(ClassicalRegister(bits=[bits[1]], name="middle"))
    overlapping.x([0, 2])
    overlapping.measure(range(3), range(3))
    assert backend.run(overlapping, shots=2).result().get_counts() == {"101": 2}


def test_more_than_64_bits(backend: EngineBackend) -> None:
    circuit = QuantumCircuit(1, 70)
    circuit.x(0)
    circuit.measure(0, [0])
    circuit.measure(0, [69])
    result = backend.run(circuit, shots=4, memory=True).result()
    text = "1" + "0" * 68 + "1"
    assert result.get_counts() == {text: 4}
    assert result.get_memory() == [text] * 4


def test_qiskits_utilities_read_it(backend: EngineBackend) -> None:
    circuit = known_bits("110", [("a", 2), ("b", 1)])
    result = backend.run(circuit, shots=6, memory=True).result()
    assert marginal_counts(result, [0]).get_counts() == {"1": 6}
    assert marginal_distribution(result.get_counts(), [2]) == {"0": 6}
    assert result.get_counts().int_outcomes() == {3: 6}
    assert result.get_counts().shots() == 6


# --- state vectors -----------------------------------------------------------------------------


def bell(measured: bool = False) -> QuantumCircuit:
    circuit = QuantumCircuit(2, name="bell")
    circuit.h(0)
    circuit.cx(0, 1)
    if measured:
        circuit.measure_all()
    return circuit


@pytest.mark.parametrize("measured", [False, True])
@pytest.mark.parametrize("precision", ["double", "single"])
def test_the_final_state_on_request(backend: EngineBackend, measured: bool, precision: str) -> None:
    result = backend.run(bell(measured), statevector=True, precision=precision).result()
    state = result.get_statevector()
    assert isinstance(state, Statevector)
    assert isinstance(result.data()["statevector"], Statevector)
    assert np.allclose(state.data, Statevector(bell()).data, atol=1e-6)
    assert np.allclose(result.get_statevector(decimals=2).data[0], 0.71)
    if measured:
        assert set(result.get_counts()) == {"00", "11"}
        assert result.get_counts().shots() == 1024
    else:  # Qiskit's own answer where there is a state but no measurement
        assert result.get_counts() == pytest.approx({"00": 0.5, "11": 0.5}, abs=1e-6)


@pytest.mark.parametrize("measured", [False, True])
@pytest.mark.parametrize("precision", ["double", "single"])
def test_the_final_density_matrix_on_request(
    backend: EngineBackend, measured: bool, precision: str
) -> None:
    options = {"density_matrix": True, "precision": precision}
    found = backend.run(bell(measured), **options).result().data()["density_matrix"]
    assert isinstance(found, DensityMatrix)
    assert np.allclose(found.data, DensityMatrix(bell()).data, atol=1e-6)
    reset = bell()
    reset.reset(0)
    reset.measure_all()
    result = backend.run(reset, **options).result()
    counts = result.get_counts()  # the mean over the shots, each of which has one of two states
    shares = [counts["00"] / 1024, 0, counts["10"] / 1024, 0]
    assert np.allclose(result.data()["density_matrix"].data, np.diag(shares), atol=1e-6)


def test_without_the_request_there_is_no_state(backend: EngineBackend) -> None:
    with pytest.raises(QiskitError, match="No statevector for experiment"):
        backend.run(bell(True)).result().get_statevector()


def test_bit_order_of_the_state_is_qiskits(backend: EngineBackend) -> None:
    circuit = QuantumCircuit(3)
    circuit.x(1)
    state = backend.run(circuit, statevector=True).result().get_statevector()
    assert state.to_dict() == {"010": 1}


def test_aers_save_instructions_give_what_aer_gives(backend: EngineBackend) -> None:
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.save_statevector(label="early")
    circuit.cx(0, 1)
    circuit.save_statevector()
    circuit.measure_all()
    ours = backend.run(circuit, shots=50).result()
    theirs = AerSimulator().run(circuit, shots=50).result()
    assert ours.data().keys() == theirs.data().keys()
    for key in ("early", "statevector"):
        assert isinstance(ours.data()[key], Statevector)
        assert np.allclose(ours.data()[key].data, np.asarray(theirs.data()[key]), atol=1e-12)
    assert ours.get_statevector() == ours.data()["statevector"]


# --- Qiskit's primitives on top ----------------------------------------------------------------


def test_qiskits_sampler_runs_on_it(backend: EngineBackend) -> None:
    sampler = BackendSamplerV2(backend=backend, options={"seed_simulator": 3})
    data: Any = sampler.run([bell(True)], shots=400).result()[0].data
    counts = data.meas.get_counts()
    assert set(counts) == {"00", "11"}
    assert sum(counts.values()) == 400


def test_qiskits_estimator_runs_on_it(backend: EngineBackend) -> None:
    estimator = BackendEstimatorV2(backend=backend, options={"seed_simulator": 3})
    values = estimator.run([(bell(), SparsePauliOp(["ZZ", "XX", "YY"]).paulis)]).result()
    assert np.allclose(values[0].data.evs, [1, 1, -1])
