"""Circuits run on foreign simulators without transpiling: definitions are opened."""

from __future__ import annotations

from typing import Any

import pytest
from qiskit import QuantumCircuit, transpile
from qiskit.circuit import Gate, Parameter
from qiskit.circuit.library import (
    PauliEvolutionGate,
    PermutationGate,
    QAOAAnsatz,
    QFTGate,
    SGate,
    UnitaryGate,
    XGate,
)
from qiskit.providers.basic_provider import BasicSimulator
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit.quantum_info import Operator, SparsePauliOp, random_clifford, random_unitary
from qiskit.transpiler import Target

import simquay
from simquay.simulators.adapted.opening import Opener, runnable, without_idle_qubits
from tests.support.job_doubles import LONG

BASIC = BasicSimulator().target


def own_gate(name: str = "mine") -> Any:
    inside = QuantumCircuit(2, name=name, global_phase=0.4)
    inside.x(0)
    inside.cx(0, 1)
    return inside.to_gate()


class MatrixGate(Gate):
    """A gate that has nothing but its matrix."""

    def __init__(self) -> None:
        super().__init__("by_matrix", 2, [])

    def to_matrix(self) -> Any:
        return random_unitary(4, seed=8).data


def gates() -> QuantumCircuit:
    """What BasicSimulator does not know, and what it knows under these names otherwise."""
    circuit = QuantumCircuit(3)
    circuit.h(range(3))
    circuit.append(own_gate(), [1, 2])
    circuit.append(own_gate("swap"), [0, 1])
    circuit.append(QFTGate(3), range(3))
    circuit.append(PauliEvolutionGate(SparsePauliOp(["XZ", "YY"], [0.5, 0.2]), 0.7), [2, 0])
    circuit.append(UnitaryGate(random_unitary(2, seed=3)).control(2), [2, 0, 1])
    circuit.append(SGate().control(1, annotated=True), [2, 1])
    circuit.append(random_clifford(2, seed=1), [0, 2])
    circuit.append(PermutationGate([2, 0, 1]), [0, 1, 2])
    circuit.mcp(0.3, [0, 1], 2)
    circuit.append(MatrixGate(), [2, 1])
    return circuit


@pytest.mark.filterwarnings("ignore:.*CSC :scipy.sparse.SparseEfficiencyWarning")
def test_opened_circuits_mean_the_same() -> None:
    circuit = gates()
    opened = Opener(BASIC).opened(circuit)
    assert set(opened.count_ops()) <= set(BASIC.operation_names)
    assert Operator(opened) == Operator(circuit)


def test_a_target_without_matrices_gets_none() -> None:
    target = Target(num_qubits=3)
    for name in ("u", "cx"):
        target.add_instruction(BASIC.operation_from_name(name), name=name)
    circuit = QuantumCircuit(2)
    circuit.append(UnitaryGate(random_unitary(4, seed=5)), [0, 1])
    circuit.append(MatrixGate(), [1, 0])
    opened = Opener(target).opened(circuit)
    assert set(opened.count_ops()) == {"u", "cx"}
    assert Operator(opened) == Operator(circuit)


def test_a_circuit_that_fits_is_not_copied() -> None:
    circuit = QuantumCircuit(2, 2)
    circuit.h(0)
    circuit.barrier()
    circuit.measure([0, 1], [0, 1])
    assert Opener(BASIC).opened(circuit) is circuit


def test_names_registers_and_metadata_stay() -> None:
    circuit = QuantumCircuit(2, 1, name="mine", metadata={"a": 1})
    circuit.append(own_gate(), [0, 1])
    circuit.rx(Parameter("t"), 0)
    circuit.measure(1, 0)
    opened = Opener(BASIC).opened(circuit)
    assert (opened.name, opened.metadata) == ("mine", {"a": 1})
    assert (opened.qregs, opened.cregs) == (circuit.qregs, circuit.cregs)
    assert opened.parameters == circuit.parameters
    assert circuit.data[0].name == "mine"


def test_what_cannot_be_opened_so_far_stays() -> None:
    target = Target(num_qubits=2)
    target.add_instruction(XGate(), name="x")
    circuit = QuantumCircuit(2)
    circuit.swap(0, 1)
    assert Opener(target).opened(circuit) == circuit
    endless = own_gate()
    endless.definition = QuantumCircuit(2)
    endless.definition.append(endless, [0, 1])
    circuit.append(endless, [0, 1])
    assert "mine" in Opener(target).opened(circuit).count_ops()


def test_a_standard_gate_that_cannot_be_opened_is_tried_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried = []
    definition = Opener._definition

    def watched(self: Opener, operation: Gate) -> QuantumCircuit | None:
        tried.append(operation.name)
        return definition(self, operation)

    monkeypatch.setattr(Opener, "_definition", watched)
    target = Target(num_qubits=2)
    target.add_instruction(XGate(), name="x")
    circuit = QuantumCircuit(2)
    for angle in range(20):  # through "r" and "u" to "u3", whose definition is "u"
        circuit.rx(angle, 0)
    assert Opener(target).opened(circuit) == circuit
    assert "rx" in tried
    assert len(tried) == len(set(tried))


@pytest.mark.filterwarnings("ignore:.*deprecated as of Qiskit 2.1:DeprecationWarning")
def test_basic_runs_gates_of_ones_own_and_library_gates() -> None:
    circuit = QuantumCircuit(3, 3)
    circuit.append(QFTGate(3), range(3))
    circuit.append(QFTGate(3).inverse(), range(3))
    circuit.append(own_gate(), [0, 2])
    circuit.measure(range(3), range(3))
    backend = simquay.get_backend("basic")
    assert backend.run(circuit, shots=9).result(LONG).get_counts() == {"101": 9}
    ansatz = QAOAAnsatz(SparsePauliOp(["ZZI", "IZZ"]), reps=1)
    ansatz = ansatz.assign_parameters([0.0] * ansatz.num_parameters)
    ansatz.measure_all()
    assert len(backend.run(ansatz, shots=2000).result(LONG).get_counts()) == 8


def test_qubits_that_a_transpiler_added_are_taken_away() -> None:
    circuit = QuantumCircuit(2, name="bell")
    circuit.x(0)
    circuit.measure_all()
    backend = simquay.get_backend("basic")
    placed = transpile(circuit, backend, initial_layout=[5, 3])
    assert placed.num_qubits == backend.num_qubits
    narrow = without_idle_qubits(placed)
    assert (narrow.num_qubits, narrow.cregs, narrow.name) == (2, circuit.cregs, "bell")
    assert narrow.count_ops() == placed.count_ops()
    assert backend.run(placed, shots=4).result(LONG).get_counts() == {"01": 4}
    assert without_idle_qubits(circuit) is circuit


def test_circuits_for_devices_are_left_alone() -> None:
    # A device's gates carry its noise: the caller transpiles for it.
    from simquay.simulators import adapt

    device = adapt(GenericBackendV2(2, seed=1))
    circuit = QuantumCircuit(2)
    circuit.append(own_gate(), [0, 1])
    (same,) = runnable([circuit], device.target, device.foreign.target.num_qubits)
    assert same is circuit
