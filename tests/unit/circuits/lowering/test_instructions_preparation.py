"""Initialize and StatePreparation: what is prepared, what is reset first, and what stays a gate."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import AnnotatedOperation, ControlModifier, InverseModifier
from qiskit.circuit.library import Initialize, StatePreparation
from qiskit.quantum_info import Operator, Statevector

from simquay.circuits.lowering.circuit import lower
from simquay.errors import UnsupportedInstructionError
from simquay.program import Matrix, Permutation, Prepare, Reset
from simquay.program.program import walk
from tests.support.dense import final_distribution, final_state
from tests.support.operations import cast_to, gates_of, only
from tests.support.random_circuits import random_unitary
from tests.support.unitaries import lowered_unitary

STATE = random_unitary(2, 11)[0]


def kinds(circuit):
    return [type(operation) for operation in walk(lower(circuit).operations)]


def test_initialize_of_untouched_qubits_prepares_them():
    circuit = QuantumCircuit(3)
    circuit.x(1)
    circuit.initialize(STATE, [2, 0])
    assert kinds(circuit) == [Permutation, Prepare]
    expected = Statevector.from_int(0b010, 8).data.copy()
    expected[:] = 0
    for index, amplitude in enumerate(STATE):
        expected[2 | (index & 1) << 2 | index >> 1] = amplitude
    np.testing.assert_allclose(final_state(gates_of(circuit), 3), expected, atol=1e-14)


def test_only_touched_qubits_are_reset_first():
    circuit = QuantumCircuit(3, 1)
    circuit.h(0)
    circuit.initialize(STATE, [0, 1])
    operations = lower(circuit).operations
    assert [type(o) for o in operations] == [Matrix, Reset, Prepare]
    assert cast_to(Reset, operations[1]).qubit == 0


def test_controls_and_measurements_touch_nothing():
    circuit = QuantumCircuit(2, 1)
    circuit.cx(0, 1)
    circuit.measure(0, 0)
    circuit.initialize([0, 1], 0)
    assert Reset not in kinds(circuit)
    circuit.initialize([0, 1], 1)
    assert Reset in kinds(circuit)


def test_a_reset_makes_a_qubit_known_again():
    circuit = QuantumCircuit(1, 1)
    circuit.h(0)
    circuit.reset(0)
    circuit.measure(0, 0)
    circuit.append(StatePreparation([0.6, 0.8]), [0])
    assert kinds(circuit)[-1] is Prepare
    circuit.append(StatePreparation([0.6, 0.8]), [0])
    assert kinds(circuit)[-1] is not Prepare


def test_initialize_again_and_again():
    circuit = QuantumCircuit(2, 2)
    circuit.initialize(STATE, [0, 1])
    circuit.initialize([0.6, 0.8j], 1)
    circuit.measure([0, 1], [0, 1])
    probabilities = np.abs(STATE.reshape(2, 2)) ** 2  # rows are qubit 1
    zero = probabilities[:, 0].sum()
    expected = [zero * 0.36, (1 - zero) * 0.36, zero * 0.64, (1 - zero) * 0.64]
    found = final_distribution(lower(circuit))
    np.testing.assert_allclose([found[k] for k in range(4)], expected, atol=1e-12)


@pytest.mark.parametrize("label", ["0", "1", "+", "-", "r", "l", "01+-", "rl1"])
def test_labels(label):
    circuit = QuantumCircuit(len(label))
    circuit.initialize(label)
    found = final_state(gates_of(circuit), len(label))
    np.testing.assert_allclose(found, Statevector.from_label(label).data, atol=1e-14)
    touched = QuantumCircuit(len(label))
    touched.append(StatePreparation(label), range(len(label)))
    np.testing.assert_allclose(lowered_unitary(touched), Operator(touched).data, atol=1e-14)


@pytest.mark.parametrize("number", [0, 1, 5, 6])
def test_numbers(number):
    circuit = QuantumCircuit(3)
    circuit.initialize(number, [0, 1, 2])
    assert Prepare not in kinds(circuit)
    found = final_state(gates_of(circuit), 3)
    np.testing.assert_allclose(found, Statevector.from_int(number, 8).data, atol=1e-14)


def test_a_wide_basis_state_needs_no_amplitudes():
    circuit = QuantumCircuit(60)
    circuit.initialize("01" * 30)
    circuit.initialize(2**59 + 1, range(60))
    assert Prepare not in kinds(circuit)


def test_state_preparation_of_touched_qubits_is_its_gates():
    circuit = QuantumCircuit(2)
    circuit.h([0, 1])
    circuit.append(StatePreparation(STATE), [1, 0])
    assert Prepare not in kinds(circuit)
    np.testing.assert_allclose(
        final_state(gates_of(circuit), 2), Statevector(circuit).data, atol=1e-10
    )


def test_inverse_and_controlled_preparation_stay_gates():
    for gate in (
        StatePreparation(STATE).inverse(),
        AnnotatedOperation(StatePreparation(STATE), InverseModifier()),
        AnnotatedOperation(StatePreparation(STATE), ControlModifier(1, 0)),
    ):
        circuit = QuantumCircuit(gate.num_qubits)
        circuit.append(gate, range(gate.num_qubits))
        assert Prepare not in kinds(circuit)
        np.testing.assert_allclose(lowered_unitary(circuit), Operator(circuit).data, atol=1e-10)


def test_prepare_inside_a_definition():
    inner = QuantumCircuit(2, name="inner")
    inner.append(Initialize(STATE), [0, 1])
    circuit = QuantumCircuit(3)
    circuit.append(inner.to_instruction(), [2, 1])
    assert kinds(circuit) == [Prepare]
    assert only(Prepare, lower(circuit).operations).qubits == (2, 1)


def test_initialize_cannot_be_controlled():
    circuit = QuantumCircuit(2)
    circuit.append(AnnotatedOperation(Initialize([0, 1]), ControlModifier(1)), [0, 1])
    with pytest.raises(UnsupportedInstructionError, match=r"'initialize'.*no gate"):
        lower(circuit)


def test_amplitudes_are_normalized_and_read_only():
    circuit = QuantumCircuit(1)
    circuit.initialize([0.6 + 1e-9, 0.8], 0)
    operation = only(Prepare, lower(circuit).operations)
    assert abs(np.linalg.norm(operation.amplitudes) - 1) < 1e-15
    assert not operation.amplitudes.flags.writeable


# --- what is known inside control flow --------------------------------------------------------


def test_a_branch_knows_what_was_untouched_before_it():
    circuit = QuantumCircuit(2, 1)
    circuit.x(0)
    with circuit.if_test((circuit.clbits[0], 0)):
        circuit.initialize([0, 1], 1)
        circuit.initialize([0, 1], 0)
    resets = [o.qubit for o in walk(lower(circuit).operations) if isinstance(o, Reset)]
    assert resets == [0]


def test_after_a_branch_its_qubits_are_touched():
    circuit = QuantumCircuit(2, 1)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.x(0)
        circuit.reset(0)
    circuit.initialize([0, 1], 0)
    circuit.initialize([0, 1], 1)
    last = lower(circuit).operations[1:]
    assert [type(o) for o in last] == [Reset, Prepare, Prepare]


def test_a_loop_knows_nothing_at_its_start():
    circuit = QuantumCircuit(1, 1)
    with circuit.for_loop(range(2)):
        circuit.initialize([0.6, 0.8], 0)
    assert Reset in kinds(circuit)


def test_a_box_is_no_border():
    circuit = QuantumCircuit(1)
    with circuit.box():
        circuit.initialize([0.6, 0.8], 0)
    assert kinds(circuit) == [Prepare]
