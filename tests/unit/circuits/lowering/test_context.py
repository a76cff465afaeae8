"""Definitions: gates inside gates, global phases, and limits of depth and size."""

from __future__ import annotations

import sys
import threading

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import (
    AnnotatedOperation,
    ControlModifier,
    Gate,
    InverseModifier,
    Parameter,
)
from qiskit.circuit.library import XGate
from qiskit.quantum_info import Operator

from simquay.circuits.lowering.circuit import lower
from simquay.errors import SimquayError, UnsupportedInstructionError
from simquay.program import Permutation
from tests.support.placed_gates import appended, check_gate, inner_circuit
from tests.support.unitaries import lowered_unitary


def test_definition_with_a_global_phase():
    check_gate(inner_circuit(0.7).to_gate(), 3)
    check_gate(inner_circuit(0.7).to_gate().inverse(), 3)


def test_definitions_inside_definitions():
    outer = QuantumCircuit(3, global_phase=0.2)
    outer.append(inner_circuit(0.5).to_gate(), [2, 0])
    outer.append(inner_circuit(0.1).to_gate().control(1), [1, 2, 0])
    check_gate(outer.to_gate(), 4, atol=1e-10)


@pytest.mark.parametrize("state", [0, 1, 2, 3])
def test_a_controlled_global_phase_is_a_controlled_phase(state):
    gate = AnnotatedOperation(inner_circuit(0.7).to_gate(), ControlModifier(2, state))
    check_gate(gate, 5)
    only_phase = QuantumCircuit(1, global_phase=0.7).to_gate()
    check_gate(AnnotatedOperation(only_phase, ControlModifier(2, state)))
    check_gate(only_phase.control(1, ctrl_state=state & 1, annotated=False))


def test_global_phase_of_the_circuit():
    circuit = inner_circuit(1.25)
    circuit.append(XGate(), [0])
    np.testing.assert_allclose(lowered_unitary(circuit), Operator(circuit).data, atol=1e-12)


class HoldsItself(Gate):
    def __init__(self):
        super().__init__("holds_itself", 1, [])

    def _define(self):
        self.definition = QuantumCircuit(1, name="loop")
        self.definition.append(HoldsItself(), [0])


class Doubles(Gate):
    """Each level holds two of the next, 64 levels deep."""

    def __init__(self, level):
        self.level = level
        super().__init__(f"doubles_{level}", 1, [])

    def _define(self):
        self.definition = QuantumCircuit(1)
        for _ in range(2):
            self.definition.append(Doubles(self.level + 1) if self.level < 64 else XGate(), [0])


def test_a_definition_that_holds_itself_is_refused():
    with pytest.raises(UnsupportedInstructionError, match="nested more than 100 deep"):
        lower(appended(HoldsItself(), 1))
    with pytest.raises(UnsupportedInstructionError, match="nested more than 100 deep"):
        lower(appended(AnnotatedOperation(HoldsItself(), InverseModifier()), 1))
    gate = XGate()
    for _ in range(150):
        gate = AnnotatedOperation(gate, InverseModifier())
    with pytest.raises(UnsupportedInstructionError, match="nested more than 100 deep"):
        lower(appended(gate, 1))


class ArrayOfDefinition(Gate):
    """Computes its matrix from its definition, as a gate that an OpenQASM 2 file defines does."""

    asked = 0

    def __init__(self, angle):
        super().__init__("array_of_definition", 2, [angle])

    def _define(self):
        self.definition = QuantumCircuit(2)
        self.definition.rxx(self.params[0], 0, 1)
        self.definition.ch(1, 0)

    def __array__(self, dtype=None, copy=None):
        type(self).asked += 1
        return Operator(self.definition).data


def test_a_matrix_is_not_asked_for_where_there_is_a_definition():
    circuit = QuantumCircuit(3)
    for angle in (0.3, 0.5):
        circuit.append(ArrayOfDefinition(angle), [2, 0])
    unitary = lowered_unitary(circuit)
    assert ArrayOfDefinition.asked == 0
    np.testing.assert_allclose(unitary, Operator(circuit).data, atol=1e-12)


def nested(depth):
    """A gate whose definition holds a gate, and so on; ``depth`` definitions in all."""
    gate = XGate()
    for _ in range(depth):
        inner = QuantumCircuit(1)
        inner.append(gate, [0])
        gate = inner.to_gate()
    return appended(gate, 1)


def on_a_stack_of(frames, function):
    return function() if frames == 0 else on_a_stack_of(frames - 1, function)


@pytest.mark.parametrize("frames", [0, sys.getrecursionlimit() - 200])
def test_the_depth_of_definitions_is_limited_whatever_the_stack_of_the_caller(frames):
    shallow, deep = nested(100), nested(101)

    def lower_both():
        program = lower(shallow)
        with pytest.raises(UnsupportedInstructionError, match="nested more than 100 deep"):
            lower(deep)
        return program

    (operation,) = on_a_stack_of(frames, lower_both).operations
    assert isinstance(operation, Permutation)


class DefinesWithoutEnd(Gate):
    def _define(self):
        self._define()


def test_a_definition_beyond_the_recursion_limit_is_refused():
    with pytest.raises(UnsupportedInstructionError, match="recursion limit of"):
        lower(appended(DefinesWithoutEnd("endless", 1, []), 1))


@pytest.mark.parametrize("error", [RuntimeError("full"), OSError("full"), MemoryError("full")])
def test_a_thread_that_cannot_be_started_is_told(monkeypatch, error):
    def fails(thread):
        raise error

    monkeypatch.setattr(threading.Thread, "start", fails)
    with pytest.raises(SimquayError, match=r"is nested so deeply .* can be started: full"):
        lower(appended(DefinesWithoutEnd("endless", 1, []), 1))


def test_a_definition_that_grows_without_end_is_refused(monkeypatch):
    monkeypatch.setattr("simquay.circuits.lowering.expansion.MAX_EXPANDED", 3000)
    with pytest.raises(ValueError, match="hold more than 3000 instructions"):
        lower(appended(Doubles(0), 1))


def test_parameter_bound_in_a_definition():
    theta = Parameter("theta")
    inner = QuantumCircuit(1, global_phase=theta)
    inner.rx(2 * theta, 0)
    circuit = QuantumCircuit(2)
    circuit.append(inner.to_gate(), [1])
    circuit.append(inner.to_gate().control(1, annotated=True), [0, 1])
    bound = circuit.assign_parameters({theta: 0.4})
    np.testing.assert_allclose(lowered_unitary(bound), Operator(bound).data, atol=1e-12)
