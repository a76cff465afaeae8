"""Every standard gate of Qiskit, plain, inverted and controlled, against Qiskit's own matrices."""

from __future__ import annotations

import math

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Gate
from qiskit.circuit.library import C3XGate, C4XGate, CXGate, XGate
from qiskit.quantum_info import Operator

from simquay.circuits.lowering.circuit import lower
from simquay.circuits.lowering.gates import ANGLED, FIXED, SEVERAL, SKIPPED
from simquay.errors import ProgramError
from simquay.program import Diagonal, Matrix, Permutation, Relabel
from tests.support.operations import cast_to, only
from tests.support.random_circuits import STANDARD_GATES
from tests.support.unitaries import lowered_unitary

NAMES = sorted(STANDARD_GATES)


def sample(name: str, rng: np.random.Generator) -> Gate:
    """The gate with random parameters."""
    gate = STANDARD_GATES[name]
    return gate.base_class(*rng.uniform(-7, 7, len(gate.params)))


def check(gate: Gate, rng: np.random.Generator, atol: float = 1e-13) -> None:
    """The gate on shuffled qubits of a circuit with one more does what Qiskit says."""
    width = gate.num_qubits + 1
    circuit = QuantumCircuit(width)
    circuit.append(gate, rng.permutation(width)[: gate.num_qubits].tolist())
    np.testing.assert_allclose(lowered_unitary(circuit), Operator(circuit).data, atol=atol)


def test_the_table_knows_every_standard_gate():
    assert set(ANGLED) | set(FIXED) | set(SEVERAL) | SKIPPED | {"global_phase"} >= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_matrix(name):
    rng = np.random.default_rng(1)
    for _ in range(5):
        check(sample(name, rng), rng)


@pytest.mark.parametrize("name", NAMES)
def test_inverse(name):
    rng = np.random.default_rng(2)
    check(sample(name, rng).inverse(), rng)
    check(sample(name, rng).inverse(annotated=True), rng)


@pytest.mark.parametrize("name", NAMES)
def test_power(name):
    rng = np.random.default_rng(3)
    for exponent in (0, 2, -3, 0.5, 1 / 3, -0.7):
        check(sample(name, rng).power(exponent, annotated=True), rng, atol=1e-10)


@pytest.mark.parametrize("annotated", [False, True], ids=["gate", "annotated"])
@pytest.mark.parametrize("controls", [1, 2])
@pytest.mark.parametrize("name", NAMES)
def test_every_control_state(name, controls, annotated):
    rng = np.random.default_rng(4)
    for state in range(1 << controls):
        gate = sample(name, rng).control(controls, ctrl_state=state, annotated=annotated)
        # Qiskit's own matrix of a controlled gate may come from a synthesis.
        check(gate, rng, atol=1e-10)


@pytest.mark.parametrize("name", [n for n in NAMES if hasattr(STANDARD_GATES[n], "ctrl_state")])
def test_open_controls_of_the_gate_itself(name):
    rng = np.random.default_rng(5)
    gate = STANDARD_GATES[name]
    for state in range(1 << gate.num_ctrl_qubits):
        angles = rng.uniform(-7, 7, len(gate.params))
        check(gate.base_class(*angles, ctrl_state=state), rng)


@pytest.mark.parametrize("gate", [C3XGate(), C4XGate(), C3XGate(ctrl_state=5)])
def test_wide_not(gate):
    check(gate, np.random.default_rng(6))


@pytest.mark.parametrize(
    ("name", "kind", "qubits", "controls"),
    [
        ("x", Permutation, 1, 0),
        ("cx", Permutation, 1, 1),
        ("ccx", Permutation, 1, 2),
        ("cswap", Permutation, 2, 1),
        ("swap", Relabel, 2, 0),
        ("h", Matrix, 1, 0),
        ("ch", Matrix, 1, 1),
        ("c3sx", Matrix, 1, 3),
        ("cu", Matrix, 1, 1),
        ("rxx", Matrix, 2, 0),
        ("z", Diagonal, 1, 0),
        ("t", Diagonal, 1, 0),
        ("rz", Diagonal, 1, 0),
        ("p", Diagonal, 1, 0),
        ("cz", Diagonal, 1, 1),
        ("ccz", Diagonal, 1, 2),
        ("crz", Diagonal, 1, 1),
        ("cp", Diagonal, 1, 1),
        ("rzz", Diagonal, 2, 0),
    ],
)
def test_canonical_form(name, kind, qubits, controls):
    gate = sample(name, np.random.default_rng(7))
    circuit = QuantumCircuit(gate.num_qubits)
    circuit.append(gate, range(gate.num_qubits))
    operation = only(kind, lower(circuit).operations)
    assert len(operation.qubits) == qubits
    if kind is not Relabel:
        assert operation.controls == tuple(range(controls))
        assert operation.control_state == (1 << controls) - 1


def test_no_amplitude_moves_for_cheap_two_qubit_gates():
    circuit = QuantumCircuit(3)
    circuit.iswap(0, 1)
    circuit.rccx(0, 1, 2)
    kinds = [type(operation) for operation in lower(circuit).operations]
    assert kinds == [Diagonal, Relabel, Diagonal, Permutation]


def test_identity_gives_nothing():
    circuit = QuantumCircuit(1)
    circuit.id(0)
    assert lower(circuit).operations == ()


def test_arrays_are_shared_and_read_only():
    circuit = QuantumCircuit(2)
    circuit.rx(0.25, 0)
    circuit.rx(0.25, 1)
    circuit.x(0)
    circuit.cx(0, 1)
    operations = lower(circuit).operations
    first, second = [cast_to(Matrix, one) for one in operations[:2]]
    x, cx = [cast_to(Permutation, one) for one in operations[2:]]
    assert first.matrix is second.matrix
    assert x.table is cx.table
    for array in (first.matrix, x.table):
        with pytest.raises(ValueError, match="read-only"):
            array.flat[0] = 7


def test_a_label_changes_nothing():
    circuit = QuantumCircuit(2)
    circuit.append(XGate(label="mine"), [0])
    circuit.append(CXGate(label="mine"), [0, 1])
    assert all(type(operation) is Permutation for operation in lower(circuit).operations)


class NamedLikeX(Gate):
    """A Hadamard under another gate's name."""

    def __init__(self) -> None:
        super().__init__("x", 1, [])

    def _define(self) -> None:
        self.definition = QuantumCircuit(1)
        self.definition.h(0)


def test_a_name_alone_makes_no_standard_gate():
    circuit = QuantumCircuit(1)
    circuit.append(NamedLikeX(), [0])
    circuit.append(NamedLikeX().to_mutable(), [0])
    operation, again = [cast_to(Matrix, one) for one in lower(circuit).operations]
    np.testing.assert_allclose(operation.matrix, np.array([[1, 1], [1, -1]]) / math.sqrt(2))
    assert again.matrix is operation.matrix


@pytest.mark.parametrize("angle", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", [n for n in NAMES if STANDARD_GATES[n].params])
def test_parameters_must_be_finite(name, angle):
    gate = STANDARD_GATES[name]
    gate = gate.base_class(*[angle] * len(gate.params))
    circuit = QuantumCircuit(max(gate.num_qubits, 1), name="bad angles")
    circuit.h(0)
    circuit.append(gate, range(gate.num_qubits))
    with pytest.raises(ProgramError, match=r"index 1 of circuit 'bad angles'.*not.*finite"):
        lower(circuit)
