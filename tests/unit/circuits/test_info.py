"""What a result needs to know of a circuit, against Qiskit's own simulator's headers."""

from __future__ import annotations

import dataclasses
import gc
import pickle
import weakref

import pytest
from qiskit import AncillaRegister, ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Clbit, Parameter, Qubit
from qiskit.providers.basic_provider import BasicSimulator
from qiskit.result.postprocess import format_counts_memory

from simquay.circuits.info import CircuitInfo


def plain():
    circuit = QuantumCircuit(3, 2, name="plain", metadata={"run": [1, 2]})
    circuit.measure([0, 1], [0, 1])
    return circuit


def several():
    circuit = QuantumCircuit(
        QuantumRegister(2, "a"),
        AncillaRegister(1, "b"),
        ClassicalRegister(2, "first"),
        ClassicalRegister(1, "second"),
        name="several",
        global_phase=0.5,
    )
    circuit.measure([0, 1, 2], [0, 1, 2])
    return circuit


def overlapping():
    loose = Clbit()
    first = ClassicalRegister(2, "first")
    both = ClassicalRegister(name="both", bits=[loose, first[0]])
    circuit = QuantumCircuit([Qubit()], QuantumRegister(1, "q"), [loose], first, both)
    circuit.measure([0, 1], [0, 1])
    return circuit


def nothing():
    circuit = QuantumCircuit(1, 1, name="")
    circuit.measure(0, 0)
    return circuit


def qiskits_header(circuit):
    header = BasicSimulator().run(circuit, shots=1).result().results[0].header
    return header if isinstance(header, dict) else header.to_dict()


@pytest.mark.parametrize("make", [plain, several, nothing])
def test_the_header_is_that_of_qiskits_simulator(make):
    circuit = make()
    info = CircuitInfo.of(circuit)
    assert info.tiled
    assert info.header() == qiskits_header(circuit)


def test_registers_that_overlap_are_not_cut_apart():
    circuit = overlapping()
    info = CircuitInfo.of(circuit)
    assert not info.tiled
    assert info.header() == qiskits_header(circuit) | {"creg_sizes": []}
    # Cut by the sizes of the registers, bit 0 would be shown under the wrong one.
    assert format_counts_memory("0x6", info.header()) == "110"


def test_counts_are_formatted_as_qiskit_does():
    info = CircuitInfo.of(several())
    assert format_counts_memory("0x5", info.header()) == "1 01"
    info = CircuitInfo.of(overlapping())
    assert info.memory_slots == 3
    assert info.creg_sizes == (("first", 2), ("both", 2))


def test_it_is_frozen_and_holds_no_circuit():
    circuit = plain()
    circuit.metadata["kept"] = {"deep": [3]}
    info = CircuitInfo.of(circuit)
    circuit.metadata["kept"]["deep"].append(4)
    assert info.metadata == {"run": [1, 2], "kept": {"deep": [3]}}
    info.header()["metadata"]["kept"]["deep"].append(5)
    assert info.metadata["kept"] == {"deep": [3]}
    with pytest.raises(dataclasses.FrozenInstanceError):
        info.name = "other"  # type: ignore[misc]  # that it fails is the test
    watch = weakref.ref(circuit)
    del circuit
    gc.collect()
    assert watch() is None


def test_it_pickles():
    info = CircuitInfo.of(several())
    assert pickle.loads(pickle.dumps(info)) == info


def test_a_bound_phase_is_a_number():
    theta = Parameter("theta")
    circuit = QuantumCircuit(1, global_phase=2 * theta).assign_parameters({theta: 0.25})
    info = CircuitInfo.of(circuit)
    assert info.global_phase == 0.5
    assert type(info.global_phase) is float
