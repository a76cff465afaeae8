"""Which gates depend on parameters that only Qiskit knows, and which circuits have no gradient."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import AnnotatedOperation, Parameter, PowerModifier
from qiskit.circuit.library import RXGate, UnitaryGate

from simquay.errors import ProgramError
from simquay.gradients.matrices import program_and_sites
from simquay.program import Matrix, Parametric


def test_differences_are_for_the_gates_alone_that_need_them():
    a, b = Parameter("a"), Parameter("b")
    circuit = QuantumCircuit(2)
    circuit.append(UnitaryGate(np.eye(2)), [1])
    circuit.append(AnnotatedOperation(RXGate(2 * a), [PowerModifier(0.5)]), [0])
    circuit.rz(a * b, 1)
    program, angles, sites = program_and_sites(circuit, np.array([0.3, 0.4]))
    np.testing.assert_allclose(angles.at(np.array([[0.3, 0.4]])), [[0.3, 0.4, 0.6, 0.12]])
    assert [type(program.operations[site.places[0]]) for site in sites] == [Parametric, Matrix]
    first, second = sites
    assert first.columns.tolist() == [[3]]
    np.testing.assert_array_equal(np.asarray(first.coefficients).ravel(), [0.5])
    assert second.columns.tolist() == [[2]]
    np.testing.assert_allclose(np.asarray(second.coefficients)[0, 0], [[0, 0, 0.25, 0]], atol=1e-12)


def test_measurements_are_refused():
    a = Parameter("a")
    circuit = QuantumCircuit(1, 1)
    circuit.append(RXGate(a).power(0.5, annotated=True), [0])
    circuit.measure(0, 0)
    with pytest.raises(ProgramError, match="Measure"):
        program_and_sites(circuit, np.array([0.3]))


def test_a_wide_gate_is_refused():
    a = Parameter("a")
    inner = QuantumCircuit(6)
    inner.rx(a, 0)
    for qubit in range(5):
        inner.cx(qubit, qubit + 1)
    circuit = QuantumCircuit(6)
    circuit.append(inner.to_gate().power(0.5, annotated=True), range(6))
    with pytest.raises(ProgramError, match="on 6 qubits that depends on a parameter"):
        program_and_sites(circuit, np.array([0.3]))
