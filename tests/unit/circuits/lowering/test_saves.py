"""Aer's instructions that save data of the state, or set it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Instruction, Parameter
from qiskit.quantum_info import SparsePauliOp
from qiskit_aer import library as aer

from simquay.circuits.lowering.circuit import lower
from simquay.circuits.lowering.saves import is_aers
from simquay.errors import UnsupportedInstructionError
from simquay.program import (
    Diagonal,
    ForLoop,
    Matrix,
    Measure,
    Permutation,
    Prepare,
    Program,
    Restart,
    Save,
)
from tests.support.operations import cast_to, only


def refused(circuit: QuantumCircuit) -> str:
    """The message of the error for a circuit that is not supported."""
    with pytest.raises(UnsupportedInstructionError) as caught:
        lower(circuit)
    return str(caught.value)


def test_save_statevector():
    circuit = QuantumCircuit(2, 1, global_phase=0.5)
    circuit.h(0)
    circuit.append(aer.SaveStatevector(2), [0, 1])
    circuit.append(aer.SaveStatevector(2, label="later"), [0, 1])
    circuit.append(aer.SaveState(2, label="mine"), [0, 1])
    operations = lower(circuit).operations
    # The phase is in the state that is saved.
    assert [type(o).__name__ for o in operations[:2]] == ["Matrix", "Diagonal"]
    saves = [cast_to(Save, one) for one in operations[2:]]
    assert [save.key for save in saves] == ["statevector", "later", "mine"]


def test_save_state_without_a_label():
    circuit = QuantumCircuit(1)
    circuit.append(aer.SaveState(1), [0])
    assert only(Save, lower(circuit).operations).key == "statevector"


@pytest.mark.parametrize("second", [aer.SaveStatevector(1, label="a"), aer.SaveState(1, label="a")])
def test_two_saves_with_one_label_are_refused(second):
    circuit = QuantumCircuit(1, name="main")
    circuit.append(aer.SaveStatevector(1, label="a"), [0])
    circuit.x(0)
    circuit.append(second, [0])
    message = refused(circuit)
    assert "index 2 of circuit 'main'" in message
    assert "the label 'a', which is another save's already" in message


@pytest.mark.parametrize("label", ["counts", "memory"])
def test_a_save_cannot_take_the_place_of_counts(label):
    circuit = QuantumCircuit(1)
    circuit.append(aer.SaveStatevector(1, label=label), [0])
    assert f"the label {label!r}, which is the result's own already" in refused(circuit)


def test_a_save_in_a_loop_is_one_save():
    body = QuantumCircuit(1)
    turn = Parameter("turn")
    body.rx(turn, 0)
    body.append(aer.SaveStatevector(1), [0])
    circuit = QuantumCircuit(1)
    circuit.for_loop((1, 2), turn, body, [0], [])
    loop = only(ForLoop, lower(circuit).operations)
    assert [cast_to(Save, block[-1]).key for block in loop.bodies] == ["statevector"] * 2


def test_save_of_some_qubits_is_refused():
    circuit = QuantumCircuit(3)
    circuit.h(2)
    circuit.append(aer.SaveStatevector(1), [0])
    message = refused(circuit)
    assert "saves 1 qubits; the state is that of all 2 that the circuit uses" in message


def test_idle_qubits_need_not_be_saved():
    circuit = QuantumCircuit(4)
    circuit.cx(3, 1)
    circuit.barrier()
    circuit.append(aer.SaveStatevector(2), [1, 3])
    program = lower(circuit)
    assert program.num_qubits == 2
    gate = cast_to(Permutation, program.operations[0])
    assert (gate.qubits, gate.controls) == ((0,), (1,))


@pytest.mark.parametrize(
    ("instruction", "expected"),
    [
        (aer.SaveProbabilities(2), Save("probabilities", "probabilities", "average")),
        (
            aer.SaveProbabilitiesDict(2, label="p", unnormalized=True),
            Save("p", "probabilities_dict", "accum"),
        ),
        (aer.SaveDensityMatrix(2, pershot=True), Save("density_matrix", "density_matrix", "list")),
        (
            aer.SaveProbabilities(2, label="c", conditional=True),
            Save("c", "probabilities", "average", conditional=True),
        ),
    ],
)
def test_data_of_some_qubits(instruction, expected):
    circuit = QuantumCircuit(3)
    circuit.append(instruction, [2, 0])
    (save,) = lower(circuit).operations
    expected = dataclasses.replace(expected, qubits=(2, 0))
    assert Program(3, 0, (save,)) == Program(3, 0, (expected,))


@pytest.mark.parametrize("cls", [aer.SaveAmplitudes, aer.SaveAmplitudesSquared])
def test_amplitudes(cls):
    circuit = QuantumCircuit(2)
    circuit.append(cls(2, ["11", "00"], label="a"), [0, 1])
    save = only(Save, lower(circuit).operations)
    assert save.indices is not None
    np.testing.assert_array_equal(save.indices, np.array([3, 0], np.uint64), strict=True)
    wide = Instruction("save_amplitudes", 2, 0, [0, 4])
    circuit = QuantumCircuit(2)
    circuit.append(wide, [0, 1])
    assert "basis states outside of 0 to 3" in refused(circuit)


def test_observables_name_qubits():
    operator = SparsePauliOp.from_list([("ZIX", 1.5), ("IYI", -2.0), ("III", 0.25)])
    circuit = QuantumCircuit(4)
    circuit.append(aer.SaveExpectationValue(operator, label="e"), [3, 1, 0])
    save = only(Save, lower(circuit).operations)
    (found,) = save.observables
    assert found.num_qubits == 4
    assert found.coefficients.tolist() == [1.5, -2.0, 0.25]
    assert found.letters.tolist() == [2, 1, 3]  # X of the first qubit, Z of the last; Y
    assert found.qubits.tolist() == [3, 0, 1]
    assert found.bounds.tolist() == [0, 2, 3, 3]


def test_a_variance_needs_the_square_as_well():
    operator = SparsePauliOp.from_list([("Z", 1.0), ("X", 0.5)])
    circuit = QuantumCircuit(1)
    circuit.append(aer.SaveExpectationValueVariance(operator), [0])
    save = only(Save, lower(circuit).operations)
    assert (save.key, save.kind) == ("expectation_value_variance",) * 2
    value, square = save.observables
    assert value.coefficients.tolist() == [1.0, 0.5]
    assert value.letters.tolist() == [1, 2]
    assert square.coefficients.tolist() == [1.25]
    assert square.letters.tolist() == []


@pytest.mark.parametrize(
    ("name", "params", "reason"),
    [
        ("save_expval", [("ZZ", (1.0, 0.0))], "a letter of I, X, Y, Z for each of its 1 qubits"),
        ("save_expval", [("0", (1.0, 0.0))], "a letter of I, X, Y, Z for each of its 1 qubits"),
        ("save_expval", [("Z", (float("nan"), 0.0))], "not a finite number"),
        ("set_statevector", [np.array([1.0, 0, 0])], "shape (3,); 1 qubits have 2"),
        ("set_statevector", [np.array([1.0, 1.0])], "norm 1.41421356, not 1"),
        ("set_statevector", [np.array([np.nan, 0])], "norm nan, not 1"),
        ("save_stabilizer", [], "on the backend 'aer-stabilizer'"),
        ("save_clifford", [], "on the backend 'aer-stabilizer'"),
        ("save_matrix_product_state", [], "on the backend 'aer-mps'"),
        ("save_unitary", [], "on the backend 'aer' with the option method=\"unitary\""),
        ("save_superop", [], "on the backend 'aer' with the option method=\"superop\""),
        ("set_density_matrix", [], "on the backend 'aer-density-matrix'"),
        ("set_stabilizer", [], "on the backend 'aer-stabilizer'"),
        ("set_matrix_product_state", [], "on the backend 'aer-mps'"),
        ("set_unitary", [], "on the backend 'aer' with the option method=\"unitary\""),
        ("set_superop", [], "on the backend 'aer' with the option method=\"superop\""),
    ],
)
def test_what_cannot_be_saved_or_set_is_refused(name, params, reason):
    operation = Instruction(name, 1, 0, [])
    operation._params = params  # as Aer's classes keep them
    circuit = QuantumCircuit(1, name="main")
    circuit.append(operation, [0])
    message = refused(circuit)
    assert f"instruction {name!r} (index 0 of circuit 'main')" in message
    assert reason in message


def test_every_instruction_of_aer_is_known():
    names = {one for one in dir(QuantumCircuit) if one.startswith(("save_", "set_"))}
    assert len(names) > 15
    for name in names:
        one = {
            "save_expectation_value": "save_expval",
            "save_expectation_value_variance": "save_expval_var",
            "save_amplitudes_squared": "save_amplitudes_sq",
        }.get(name, name)
        assert is_aers(Instruction(one, 1, 0, [])), name


def test_a_state_that_is_set_first_takes_the_place_of_the_gates_before_it():
    circuit = QuantumCircuit(2, global_phase=1.0)
    circuit.h(0)
    circuit.append(aer.SetStatevector([0, 0.6, 0, 0.8j]), [0, 1])
    circuit.z(1)
    prepare, z = lower(circuit).operations
    np.testing.assert_array_equal(cast_to(Prepare, prepare).amplitudes, [0, 0.6, 0, 0.8j])
    assert type(z) is Diagonal


def test_a_state_that_is_set_later_is_set_anew():
    circuit = QuantumCircuit(1, 1)
    circuit.h(0)
    circuit.measure(0, 0)
    circuit.append(aer.SetStatevector([0, 1]), [0])
    kinds = [type(one) for one in lower(circuit).operations]
    assert kinds == [Matrix, Measure, Restart, Prepare]


def test_a_state_of_some_qubits_cannot_be_set():
    circuit = QuantumCircuit(2)
    circuit.h(1)
    circuit.append(aer.SetStatevector([1, 0]), [0])
    assert "sets 1 qubits; the state is that of all 2" in refused(circuit)


def test_a_gate_named_like_a_save_is_a_gate():
    inner = QuantumCircuit(1, name="save_state")
    inner.x(0)
    circuit = QuantumCircuit(1)
    circuit.append(inner.to_gate(), [0])
    assert [type(o).__name__ for o in lower(circuit).operations] == ["Permutation"]
