"""Which parameters are unbound; circuits with such are refused, and bound ones are lowered."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import (
    Instruction,
    Parameter,
)
from qiskit.circuit.library import PauliEvolutionGate
from qiskit.quantum_info import SparsePauliOp

from simquay.circuits.lowering.circuit import lower
from simquay.circuits.parameters import assigned, finite_values, unbound_parameters
from simquay.errors import (
    ProgramError,
)
from simquay.program import Diagonal
from tests.support.operations import cast_to


def test_unbound_parameters_are_listed():
    circuit = QuantumCircuit(2, name="ansatz", global_phase=Parameter("phase"))
    circuit.rx(Parameter("theta") + Parameter("alpha"), 0)
    with pytest.raises(
        ProgramError, match=r"'ansatz' has unbound parameters: alpha, phase, theta;.*assign"
    ):
        lower(circuit)


def test_unbound_parameters_inside_bodies_and_definitions():
    theta = Parameter("theta")
    circuit = QuantumCircuit(1, 1)
    with circuit.for_loop(range(2)) as index, circuit.if_test((0, 1)):
        circuit.rx(theta * index, 0)
    with pytest.raises(ProgramError, match="unbound parameters: theta"):
        lower(circuit)
    inner = QuantumCircuit(1, name="inner")
    inner.rx(theta, 0)
    hidden = Instruction("hidden", 1, 0, [])
    hidden.definition = inner
    circuit = QuantumCircuit(1, name="outer")
    circuit.append(hidden, [0])
    with pytest.raises(
        ProgramError, match=r"'inner' has unbound.*'hidden'.*index 0 of circuit 'outer'.*: theta"
    ):
        lower(circuit)


def test_a_loops_own_parameter_is_not_unbound_but_only_inside_it():
    index = Parameter("index")
    body = QuantumCircuit(1, global_phase=index)
    body.rx(index, 0)
    circuit = QuantumCircuit(1, name="main")
    circuit.for_loop(range(3), index, body, [0], [])
    assert unbound_parameters(circuit) == []
    lower(circuit)
    circuit.ry(index, 0)
    assert unbound_parameters(circuit) == [index]
    with pytest.raises(ProgramError, match="unbound parameters: index"):
        lower(circuit)


def test_bound_parameters_run():
    theta = Parameter("theta")
    circuit = QuantumCircuit(1, global_phase=theta)
    circuit.p(2 * theta, 0)
    circuit.append(PauliEvolutionGate(SparsePauliOp(["Z"]), theta), [0])
    operations = lower(circuit.assign_parameters([0.25])).operations
    gate, phase = cast_to(Diagonal, operations[0]), cast_to(Diagonal, operations[2])
    np.testing.assert_allclose(gate.diagonal, [1, np.exp(0.5j)])
    np.testing.assert_allclose(phase.diagonal, [np.exp(0.25j)])


def test_values_are_assigned_to_a_copy_gates_inside_bodies_included():
    theta = Parameter("theta")
    inner = QuantumCircuit(1, global_phase=theta)
    inner.rx(2 * theta, 0)
    circuit = QuantumCircuit(1, 1, name="main")
    with circuit.for_loop(range(2)), circuit.if_test((0, 0)):
        circuit.append(inner.to_gate(), [0])
        circuit.ry(theta, 0)
    values = (0.25, 0.5)
    copies = assigned(circuit, [{theta: value} for value in values])
    for value, copy in zip(values, copies, strict=True):
        expected = QuantumCircuit(1, 1, name="main")
        with expected.for_loop(range(2)), expected.if_test((0, 0)):
            expected.append(inner.assign_parameters([value]).to_gate(), [0])
            expected.ry(value, 0)
        assert lower(copy) == lower(expected)
        assert list(circuit.parameters) == [theta]


def test_values_are_finite_numbers_for_each_parameter():
    circuit = QuantumCircuit(1, name="ansatz")
    circuit.u(Parameter("a"), Parameter("b"), 0.5, 0)
    found = finite_values(circuit, [[1, 2], [3, 4]])
    assert found.dtype == np.float64
    assert found.tolist() == [[1, 2], [3, 4]]
    wrong: list[tuple[Any, str]] = [
        ([1, 2], r"takes finite real values.*shape \(2,\)"),
        ([[1, 2, 3]], r"shape \(1, 3\)"),
        ([[1, 2j]], "type complex128"),
        ([[1, 2], [3, np.inf]], "b=inf at point 1"),
    ]
    for values, told in wrong:
        with pytest.raises(ProgramError, match=told):
            finite_values(circuit, values)
