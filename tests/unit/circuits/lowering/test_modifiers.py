"""Controls, inverses and powers."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import (
    AnnotatedOperation,
    ControlledGate,
    ControlModifier,
    InverseModifier,
    Parameter,
    PowerModifier,
)
from qiskit.circuit.library import (
    PermutationGate,
    RXGate,
    RZGate,
    SGate,
    SwapGate,
    TGate,
    XGate,
    YGate,
    ZGate,
)
from qiskit.quantum_info import Operator

from simquay.circuits.lowering.circuit import lower
from simquay.errors import UnsupportedInstructionError
from simquay.program import Diagonal, Matrix, Permutation
from tests.support.operations import only
from tests.support.placed_gates import appended, check_gate, inner_circuit
from tests.support.unitaries import lowered_unitary

# --- controls --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base", "kind"),
    [(XGate(), Permutation), (ZGate(), Diagonal), (RXGate(0.3), Matrix), (SwapGate(), Permutation)],
)
@pytest.mark.parametrize("annotated", [False, True])
def test_many_controls_stay_one_small_operation(base, kind, annotated):
    if annotated or base.name not in ("x", "z"):
        gate = AnnotatedOperation(base, ControlModifier(40, 12345))
    else:
        gate = ControlledGate("wide", 41, [], num_ctrl_qubits=40, ctrl_state=12345, base_gate=base)
    circuit = QuantumCircuit(gate.num_qubits)
    circuit.append(gate, range(gate.num_qubits))
    operation = only(kind, lower(circuit).operations)
    assert operation.controls == tuple(range(40))
    assert operation.control_state == 12345
    assert operation.qubits == tuple(range(40, gate.num_qubits))


def test_controls_of_controls_add_up():
    inner = AnnotatedOperation(SGate(), ControlModifier(2, 1))
    check_gate(AnnotatedOperation(inner, ControlModifier(1, 0)), 5)
    check_gate(AnnotatedOperation(SGate(), [ControlModifier(2, 1), ControlModifier(1, 0)]), 5)
    check_gate(XGate().control(2, ctrl_state=1).control(1, ctrl_state=0), 5)


@pytest.mark.parametrize("count", [1, 2])
def test_a_controlled_definition_whose_parameters_were_assigned(count):
    """Qiskit leaves the definition of the base gate as it was."""
    a, b = Parameter("a"), Parameter("b")
    inner = QuantumCircuit(1, global_phase=a)
    inner.rx(a * b, 0)
    nested = QuantumCircuit(2)
    nested.append(inner.to_gate().control(1), [0, 1])
    nested.ry(b, 1)
    circuit = QuantumCircuit(4)
    circuit.append(inner.to_gate().control(count, ctrl_state=1), range(count + 1))
    circuit.append(nested.to_gate().control(1), [3, 0, 1])
    circuit.append(AnnotatedOperation(inner.to_gate().control(1), InverseModifier()), [1, 2])
    bound = circuit.assign_parameters({a: 0.3, b: 0.7})
    np.testing.assert_allclose(lowered_unitary(bound), Operator(bound).data, atol=1e-12)


def test_no_controls_at_all():
    check_gate(AnnotatedOperation(RXGate(0.3), ControlModifier(0)), 2)


# --- modifiers -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "modifiers",
    [
        [InverseModifier()],
        [InverseModifier(), ControlModifier(1, 0), PowerModifier(2)],
        [PowerModifier(-3), InverseModifier()],
        [PowerModifier(0.5), ControlModifier(1)],
        [ControlModifier(1), PowerModifier(1 / 3), ControlModifier(1, 0)],
        [PowerModifier(0)],
        [],
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "base",
    [TGate(), ZGate(), YGate(), SwapGate(), RZGate(5.5), inner_circuit(0.4).to_gate()],
    ids=lambda gate: gate.name,
)
def test_modifiers(base, modifiers):
    check_gate(AnnotatedOperation(base, list(modifiers)), atol=1e-9)


def test_a_high_power_is_one_operation():
    for base in (RXGate(0.1), TGate(), PermutationGate([1, 2, 3, 4, 0]), inner_circuit().to_gate()):
        circuit = appended(AnnotatedOperation(base, PowerModifier(10**6 + 1)), base.num_qubits)
        assert len(lower(circuit).operations) == 1
        np.testing.assert_allclose(
            lowered_unitary(circuit),
            np.linalg.matrix_power(Operator(base).data, 10**6 + 1),
            atol=1e-7,
        )


def test_a_power_of_a_wide_gate_repeats_it():
    wide = QuantumCircuit(7)
    for qubit in range(6):
        wide.cx(qubit, qubit + 1)
    gate = AnnotatedOperation(wide.to_gate(), PowerModifier(3))
    assert len(lower(appended(gate, 7)).operations) == 18
    check_gate(gate)
    too_often = AnnotatedOperation(wide.to_gate(), PowerModifier(10**9))
    with pytest.raises(UnsupportedInstructionError, match="repeats more than"):
        lower(appended(too_often, 7))
    root = QuantumCircuit(12, name="roots")
    root.h(range(12))
    fraction = AnnotatedOperation(root.to_gate(), PowerModifier(0.5))
    with pytest.raises(UnsupportedInstructionError, match=r"'roots'.*fractional"):
        lower(appended(fraction, 12))


def test_an_unknown_modifier_is_refused():
    circuit = appended(AnnotatedOperation(XGate(), ["twice"]), 1)
    with pytest.raises(UnsupportedInstructionError, match="modifier 'twice'"):
        lower(circuit)
