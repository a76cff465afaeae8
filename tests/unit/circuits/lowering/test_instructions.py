"""Gates by matrix, permutations, Paulis and gates of Qiskit's library."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import (
    AnnotatedOperation,
    ControlModifier,
    Gate,
    InverseModifier,
    PowerModifier,
)
from qiskit.circuit.library import (
    CUGate,
    DiagonalGate,
    GraphStateGate,
    HamiltonianGate,
    HGate,
    Isometry,
    LinearFunction,
    MCMTGate,
    MCPhaseGate,
    MCXGate,
    MSGate,
    PauliEvolutionGate,
    PauliGate,
    PermutationGate,
    QFTGate,
    RVGate,
    SwapGate,
    UCGate,
    UCRZGate,
    UnitaryGate,
    YGate,
)
from qiskit.quantum_info import Clifford, Operator, SparsePauliOp, random_clifford

from simquay.circuits.lowering.circuit import lower
from simquay.errors import UnsupportedInstructionError
from simquay.program import Diagonal, Matrix, Relabel
from tests.support.operations import only
from tests.support.placed_gates import appended, check_gate, inner_circuit, placed
from tests.support.random_circuits import random_unitary
from tests.support.unitaries import lowered_unitary


class ByMatrix(Gate):
    """A user's gate that knows its matrix alone."""

    def __init__(self, matrix):
        self.its_matrix = matrix
        super().__init__("mine", (len(matrix) - 1).bit_length(), [])

    def __array__(self, dtype=None, copy=None):
        return np.array(self.its_matrix, dtype=dtype)


class ByToMatrix(Gate):
    """A user's gate that overrides ``to_matrix``."""

    def __init__(self):
        super().__init__("mine", 3, [])

    def to_matrix(self):
        return random_unitary(3, 7)


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_unitary(width):
    check_gate(UnitaryGate(random_unitary(width, width)), width + 1)


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_gate_with_a_matrix_alone(width):
    check_gate(ByMatrix(random_unitary(width, width)))
    (operation,) = lower(placed(ByMatrix(random_unitary(width, width)))).operations
    assert isinstance(operation, Matrix)


def test_gate_that_overrides_to_matrix():
    np.testing.assert_allclose(
        lowered_unitary(QuantumCircuit(3).compose(appended(ByToMatrix(), 3))),
        random_unitary(3, 7),
        atol=1e-12,
    )


def test_the_matrix_is_a_copy():
    matrix = random_unitary(1, 3).copy()
    gate = ByMatrix(matrix)
    operation = only(Matrix, lower(placed(gate)).operations)
    matrix[:] = 0
    np.testing.assert_allclose(operation.matrix, random_unitary(1, 3))
    assert not operation.matrix.flags.writeable


def test_every_array_is_in_c_order():
    """Compiled kernels take arrays as they lie in memory."""
    circuit = QuantumCircuit(3)
    circuit.append(ByMatrix(np.asfortranarray(random_unitary(2, 3))), [0, 1])
    circuit.append(UnitaryGate(np.asfortranarray(random_unitary(3, 4))), [0, 1, 2])
    for modifier in (InverseModifier(), PowerModifier(0.5), PowerModifier(3)):
        for base in (UnitaryGate(random_unitary(2, 5)), SwapGate(), inner_circuit().to_gate()):
            circuit.append(AnnotatedOperation(base, modifier), [0, 1])
    for operation in lower(circuit).operations:
        for name in ("matrix", "diagonal", "table"):
            array = getattr(operation, name, None)
            if array is not None:
                assert array.flags.c_contiguous
                assert not array.flags.writeable
                assert array.dtype == (np.intp if name == "table" else np.complex128)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.array([[1, 0], [0, 2]]), "not unitary"),
        (np.array([[1, np.nan], [0, 1]]), "not unitary"),
        (np.ones((4, 4)) / 2, "not unitary"),
    ],
)
def test_a_matrix_must_be_unitary(matrix, message):
    with pytest.raises(UnsupportedInstructionError, match=message):
        lower(placed(ByMatrix(matrix)))


def test_a_wide_matrix_must_be_unitary():
    matrix = np.eye(1 << 9)
    matrix[3, 3] = 0.5
    gate = UnitaryGate(matrix, check_input=False)
    with pytest.raises(UnsupportedInstructionError, match="not unitary"):
        lower(placed(gate))
    matrix[3, 3] = 1
    operation = only(Matrix, lower(placed(UnitaryGate(matrix))).operations)
    assert operation.matrix.shape == (512, 512)


def test_a_matrix_must_fit_its_qubits():
    gate = ByMatrix(np.eye(2))
    gate.its_matrix = np.eye(4)
    with pytest.raises(UnsupportedInstructionError, match=r"shape \(4, 4\).*need \(2, 2\)"):
        lower(placed(gate))


@pytest.mark.parametrize("width", [1, 2, 4])
def test_diagonal(width):
    phases = np.exp(1j * np.random.default_rng(width).uniform(0, 7, 1 << width))
    check_gate(DiagonalGate(phases.tolist()))
    (operation,) = lower(placed(DiagonalGate(phases.tolist()))).operations
    assert isinstance(operation, Diagonal)


@pytest.mark.parametrize("seed", range(6))
def test_permutation(seed):
    pattern = np.random.default_rng(seed).permutation(5).tolist()
    check_gate(PermutationGate(pattern), 6)
    (operation,) = lower(placed(PermutationGate(pattern))).operations
    assert isinstance(operation, Relabel)
    check_gate(PermutationGate(pattern).inverse(), 6)
    check_gate(AnnotatedOperation(PermutationGate(pattern), ControlModifier(1, 0)))
    for power in (2, 5, -1, 0.5):
        check_gate(AnnotatedOperation(PermutationGate(pattern), PowerModifier(power)), atol=1e-9)


def test_permutation_moves_qubits_as_its_pattern_says():
    # Pattern [1, 2, 0]: what was in qubit 1 comes to position 0.
    circuit = QuantumCircuit(3)
    circuit.x(1)
    circuit.append(PermutationGate([1, 2, 0]), [0, 1, 2])
    assert np.argmax(np.abs(lowered_unitary(circuit)[:, 0])) == 0b001


@pytest.mark.parametrize("label", ["X", "IXYZ", "ZZZ", "II", "YI"])
def test_pauli(label):
    check_gate(PauliGate(label))


@pytest.mark.parametrize(
    "gate",
    [
        UCGate([random_unitary(1, seed) for seed in range(4)]),
        UCRZGate([0.1, 0.2, 0.3, 0.4]),
        LinearFunction([[1, 1, 0], [0, 1, 0], [1, 0, 1]]),
        HamiltonianGate(np.array([[1, 0.5], [0.5, -2]]), 0.7),
        HamiltonianGate(np.diag([1, 2, 3, 4, 5, 6, 7, 8]) + np.ones((8, 8)), 0.3),
        RVGate(0.1, 0.2, 0.3),
        QFTGate(4),
        MCMTGate(YGate(), 2, 2),
        MCPhaseGate(0.4, 3),
        MCXGate(3, ctrl_state=2),
        CUGate(1, 2, 3, 4, ctrl_state=0),
        CUGate(1, 2, 3, 4).control(2, ctrl_state=1, annotated=False),
        GraphStateGate([[0, 1, 0], [1, 0, 1], [0, 1, 0]]),
        MSGate(2, 0.3),
        UnitaryGate(random_unitary(2, 9)).control(2, ctrl_state=1),
        AnnotatedOperation(DiagonalGate([1, 1j, -1, 1]), ControlModifier(1, 0)),
        AnnotatedOperation(
            random_clifford(2, seed=1),
            [ControlModifier(1, 0), InverseModifier(), PowerModifier(0.5)],
        ),
        random_clifford(3, seed=5),
        Clifford(HGate()),
    ],
    ids=lambda gate: f"{type(gate).__name__}-{gate.num_qubits}",
)
def test_library_gate(gate):
    check_gate(gate, gate.num_qubits + 1, atol=1e-9)


def test_a_circuit_without_qubits():
    assert lower(QuantumCircuit()).operations == ()
    circuit = QuantumCircuit(1)
    circuit.append(UnitaryGate([[1j]]), [])
    (factor,) = lower(circuit).operations
    assert isinstance(factor, Diagonal)
    assert (factor.qubits, factor.diagonal.tolist()) == ((), [1j])


def test_many_qubits():
    circuit = QuantumCircuit(1000, 1000)
    circuit.h(range(1000))
    circuit.measure(range(1000), range(1000))
    assert len(lower(circuit).operations) == 2000


def test_isometry_and_its_kind():
    columns = random_unitary(2, 3)[:, :2]
    circuit = QuantumCircuit(2)
    circuit.append(Isometry(columns, 0, 0), [0, 1])
    np.testing.assert_allclose(lowered_unitary(circuit)[:, :2], columns, atol=1e-9)


def test_pauli_evolution_is_what_its_synthesis_says():
    # A transpiler would take the definition, so that a run without transpiling agrees with it.
    gate = PauliEvolutionGate(SparsePauliOp(["XXI", "IZZ", "YIY"], [0.3, 0.7, -1.1]), time=0.9)
    np.testing.assert_allclose(
        lowered_unitary(appended(gate, 3)), Operator(gate.definition).data, atol=1e-12
    )
    controlled = AnnotatedOperation(gate, ControlModifier(1, 0))
    expected = AnnotatedOperation(gate.definition.to_gate(), ControlModifier(1, 0))
    np.testing.assert_allclose(
        lowered_unitary(appended(controlled, 4)), expected.to_matrix().data, atol=1e-12
    )
    pauli = SparsePauliOp(["ZZ"])
    np.testing.assert_allclose(
        lowered_unitary(appended(PauliEvolutionGate(pauli, time=0.9), 2)),
        np.diag(np.exp(-0.9j * np.diag(pauli.to_matrix()))),
        atol=1e-12,
    )
