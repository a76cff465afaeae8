"""A circuit at many points is that with the values assigned, at each of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from qiskit import QuantumCircuit
from qiskit.circuit import (
    AnnotatedOperation,
    ControlModifier,
    Gate,
    InverseModifier,
    Parameter,
    ParameterVector,
    PowerModifier,
)
from qiskit.circuit.library import (
    CRXGate,
    CUGate,
    HamiltonianGate,
    MCPhaseGate,
    PauliEvolutionGate,
    RXGate,
    UGate,
    efficient_su2,
    n_local,
    qaoa_ansatz,
    real_amplitudes,
)
from qiskit.quantum_info import SparsePauliOp

from simquay.circuits.lowering.circuit import lower, lower_points
from simquay.circuits.parameters import assigned, unbound_parameters
from simquay.control import Control
from simquay.engines.reference import ReferenceEngine
from simquay.errors import NotACircuitError, ProgramError
from simquay.execution.run import run_program
from simquay.execution.settings import RunContext
from simquay.program import Program
from tests.support.dense import TooManyPaths, final_distribution
from tests.support.random_circuits import parametric_circuits, parametric_dynamic_circuits

A, B = Parameter("a"), Parameter("b")
FEW = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def state_of(program: Program):
    context = RunContext(shots=1, wanted={"statevector": True})
    return run_program(program, ReferenceEngine(), context, Control())["statevector"]


def bound(circuit: QuantumCircuit, row) -> QuantumCircuit:
    """``circuit`` with a value for each parameter but those of loops, which Qiskit 2.0 lists."""
    given = dict(zip(circuit.parameters, row, strict=True))
    wanted = {one: given[one] for one in unbound_parameters(circuit)}
    return next(assigned(circuit, [wanted]))


def assert_same_states(circuit: QuantumCircuit, values) -> None:
    """The program at each point gives the state of the circuit with the values assigned."""
    programs = lower_points(circuit, values)
    assert len(programs) == len(values)
    for program, row in zip(programs, values, strict=True):
        expected = state_of(lower(bound(circuit, row)))
        np.testing.assert_allclose(state_of(program), expected, atol=1e-12)


def spread_out(circuit: QuantumCircuit) -> QuantumCircuit:
    """``circuit`` after gates that give every basis state an amplitude of its own."""
    whole = QuantumCircuit(circuit.num_qubits)
    for qubit in range(circuit.num_qubits):
        whole.u(0.7 + qubit, 0.3 * qubit, 1.1, qubit)
    return whole.compose(circuit)


@given(parametric_circuits())
@FEW
def test_random_circuits(case):
    circuit, values = case
    assert_same_states(spread_out(circuit), values)


@given(parametric_dynamic_circuits())
@FEW
def test_random_dynamic_circuits(case):
    circuit, values = case
    for program, row in zip(lower_points(circuit, values), values, strict=True):
        try:
            expected = final_distribution(lower(bound(circuit, row)), max_paths=100)
        except TooManyPaths:
            return
        found = final_distribution(program, max_paths=100)
        for bits in {*expected, *found}:
            assert found.get(bits, 0.0) == pytest.approx(expected.get(bits, 0.0), abs=1e-12)


def own_gate() -> Gate:
    inner = QuantumCircuit(2, global_phase=A * B)
    inner.rx(A, 0)
    inner.crz(2 * A - B, 0, 1)
    return inner.to_gate()


OPERATOR = SparsePauliOp(["XYZ", "ZZI", "IXX"], [0.5, -1.2, 0.3])
GATES = {
    "definition": own_gate(),
    "open control": CRXGate(A * B, ctrl_state=0),
    "many controls": MCPhaseGate(A + B, 3),
    "cu": CUGate(A, 0.5, B, A - B),
    "cu with an open control": CUGate(A, 0.5, B, A - B, ctrl_state=0),
    "cu with more controls": AnnotatedOperation(CUGate(A, B, 0.1, A * B), ControlModifier(1, 0)),
    "controlled definition": AnnotatedOperation(own_gate(), ControlModifier(2, 2)),
    "open controlled definition": AnnotatedOperation(own_gate(), ControlModifier(1, 0)),
    "inverse": AnnotatedOperation(own_gate(), [InverseModifier(), ControlModifier(1)]),
    "twice inverse": AnnotatedOperation(UGate(A, B, 0.4), [InverseModifier()] * 2),
    "power": AnnotatedOperation(own_gate(), PowerModifier(3)),
    "negative power": AnnotatedOperation(own_gate(), PowerModifier(-2)),
    "power 0": AnnotatedOperation(own_gate(), PowerModifier(0)),
    "large power": AnnotatedOperation(own_gate(), PowerModifier(1000)),
    "fractional power": AnnotatedOperation(own_gate(), PowerModifier(0.5)),
    "controlled fractional": AnnotatedOperation(
        UGate(A, B, A), [PowerModifier(1.5), ControlModifier(1)]
    ),
    "evolution": PauliEvolutionGate(OPERATOR, A / B),
    "hamiltonian": HamiltonianGate(OPERATOR.to_matrix(), A),
}


@pytest.mark.parametrize("name", GATES)
def test_gates(name):
    gate = GATES[name]
    circuit = QuantumCircuit(4, global_phase=A)
    circuit.append(gate, [3, 1, 0, 2][: gate.num_qubits])
    circuit.rx(B, 1)
    values = np.random.default_rng(3).uniform(-3, 3, (3, circuit.num_parameters))
    assert_same_states(spread_out(circuit), values)


ANSATZE = {
    "efficient_su2": efficient_su2(4, reps=2),
    "real_amplitudes": real_amplitudes(4, reps=2),
    "n_local": n_local(4, "ry", "crx", reps=2),
    "qaoa": qaoa_ansatz(SparsePauliOp(["ZZII", "IZZI", "IIZZ", "ZIII"], [1, -0.5, 2, 0.3]), 2),
}


@pytest.mark.parametrize("name", ANSATZE)
def test_ansatze(name):
    circuit = ANSATZE[name]
    values = np.random.default_rng(5).uniform(-3, 3, (3, circuit.num_parameters))
    assert_same_states(circuit, values)


def test_loops_whose_bodies_depend_on_both_their_own_parameter_and_another():
    circuit = QuantumCircuit(2, 1)
    with circuit.for_loop([0, 1, 3]) as index, circuit.if_test((0, 0)):
        circuit.rx(index * A + B, 0)
        circuit.append(own_gate(), [1, 0])
        circuit.crz(A, 0, 1)
    circuit.global_phase = B
    columns = [one.name for one in circuit.parameters]
    values = np.random.default_rng(1).uniform(-3, 3, (3, len(columns)))
    assert_same_states(circuit, values)


def test_columns_are_those_of_the_circuits_parameters():
    vector = ParameterVector("t", 11)
    circuit = QuantumCircuit(1)
    for element in vector:
        circuit.rz(element, 0)
        circuit.sx(0)
    circuit.ry(A, 0)
    values = np.arange(24.0).reshape(2, 12)
    assert circuit.parameters[0] is not vector[0] or circuit.parameters[0] == A
    assert_same_states(circuit, values)


def test_parameters_may_be_of_no_effect():
    circuit = QuantumCircuit(1)
    circuit.delay(A, 0)
    circuit.rx(B - B, 0)
    assert_same_states(circuit, np.ones((2, circuit.num_parameters)))


def test_a_circuit_without_parameters_at_some_points():
    circuit = QuantumCircuit(1)
    circuit.rx(0.5, 0)
    assert [program == lower(circuit) for program in lower_points(circuit, np.empty((3, 0)))] == [
        True
    ] * 3


@pytest.mark.parametrize(
    "values", [[[1, 2]], np.ones((1, 2), np.float32), [[np.int64(1), 2.0]], [[True, 2]]]
)
def test_kinds_of_values(values):
    circuit = QuantumCircuit(1)
    circuit.u(A, B, A * B, 0)
    np.testing.assert_array_equal(
        state_of(lower_points(circuit, values)[0]),
        state_of(lower_points(circuit, np.array(values, dtype=float))[0]),
    )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([[1.0]], r"shape \(points, 2\).*given values of shape \(1, 1\)"),
        ([1.0, 2.0], r"values of shape \(2,\)"),
        ([[1.0, 2j]], "values of type complex128"),
        ([["1", "2"]], "values of type <U1"),
        ([[1.0, 2.0], [1.0, np.nan]], "b=nan at point 1"),
        ([[np.inf, 2.0]], "a=inf at point 0"),
    ],
)
def test_bad_values(values, message):
    circuit = QuantumCircuit(1, name="ansatz")
    circuit.u(A, B, 0.5, 0)
    with pytest.raises(ProgramError, match=rf"circuit 'ansatz' takes.*{message}"):
        lower_points(circuit, values)


def test_an_expression_without_a_value_at_a_point():
    circuit = QuantumCircuit(1, name="ansatz")
    circuit.rx(A / B, 0)
    with pytest.raises(ProgramError, match=r"a/b of circuit 'ansatz' .* point 1 .*b=0\.0"):
        lower_points(circuit, [[1.0, 2.0], [1.0, 0.0]])


@pytest.mark.parametrize("expression", [A / B, B.log(), B ** (A - 1.5)])
def test_expressions_without_a_value_where_points_are_lowered_one_by_one(expression):
    circuit = QuantumCircuit(1, name="ansatz")
    circuit.append(AnnotatedOperation(RXGate(A), PowerModifier(0.5)), [0])
    circuit.rx(expression, 0)
    with pytest.raises(ProgramError, match=r"'ansatz' .* at point 0 \(a=1\.0, b=0\.0\)"):
        lower_points(circuit, [[1.0, 0.0], [1.0, 2.0]])


def test_a_definition_with_a_parameter_of_its_own():
    hidden = Gate("hidden", 1, [])
    hidden.definition = QuantumCircuit(1, name="inner")
    hidden.definition.rx(Parameter("a"), 0)  # another parameter of the same name
    circuit = QuantumCircuit(1, name="outer")
    circuit.rx(A, 0)
    circuit.append(hidden, [0])
    with pytest.raises(ProgramError, match=r"'inner' has unbound parameters.*: a"):
        lower_points(circuit, [[1.0]])


def test_no_circuit():
    with pytest.raises(NotACircuitError):
        lower_points("circuit", [[1.0]])


def test_the_circuit_is_not_changed():
    circuit = QuantumCircuit(2, 1)
    with circuit.if_test((0, 0)):
        circuit.append(AnnotatedOperation(own_gate(), PowerModifier(0.5)), [0, 1])
    before = lower(bound(circuit, [0.3, 0.4]))
    first, second = lower_points(circuit, [[0.3, 0.4], [0.5, 0.6]])
    assert first == before
    assert second == lower(bound(circuit, [0.5, 0.6]))
    assert circuit.num_parameters == 2
