"""Gates beyond the standard ones: matrices, definitions, controls, modifiers, generalized gates."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import (
    AnnotatedOperation,
    ControlledGate,
    ControlModifier,
    Gate,
    InverseModifier,
    Parameter,
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
    RXGate,
    RZGate,
    SGate,
    SwapGate,
    TGate,
    UCGate,
    UCRZGate,
    UnitaryGate,
    XGate,
    YGate,
    ZGate,
)
from qiskit.quantum_info import Clifford, Operator, SparsePauliOp, random_clifford

from simquay.circuits.lowering.circuit import lower
from simquay.errors import UnsupportedInstructionError
from simquay.program import Diagonal, Matrix, Permutation, Relabel
from tests.support.random_circuits import random_unitary
from tests.support.unitaries import lowered_unitary

RNG_SEED = 20


def placed(gate, width=None, seed=RNG_SEED):
    """A circuit with ``gate`` on shuffled qubits."""
    width = gate.num_qubits if width is None else width
    circuit = QuantumCircuit(width)
    order = np.random.default_rng(seed).permutation(width)
    circuit.append(gate, order[: gate.num_qubits].tolist())
    return circuit


def check(gate, width=None, atol=1e-12):
    circuit = placed(gate, width)
    np.testing.assert_allclose(lowered_unitary(circuit), Operator(circuit).data, atol=atol)


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
    check(UnitaryGate(random_unitary(width, width)), width + 1)


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_gate_with_a_matrix_alone(width):
    check(ByMatrix(random_unitary(width, width)))
    (operation,) = lower(placed(ByMatrix(random_unitary(width, width)))).operations
    assert isinstance(operation, Matrix)


def test_gate_that_overrides_to_matrix():
    np.testing.assert_allclose(
        lowered_unitary(QuantumCircuit(3).compose(_appended(ByToMatrix(), 3))),
        random_unitary(3, 7),
        atol=1e-12,
    )


def _appended(gate, width):
    circuit = QuantumCircuit(width)
    circuit.append(gate, range(gate.num_qubits))
    return circuit


def test_the_matrix_is_a_copy():
    matrix = random_unitary(1, 3).copy()
    gate = ByMatrix(matrix)
    (operation,) = lower(placed(gate)).operations
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
    (operation,) = lower(placed(UnitaryGate(matrix))).operations
    assert operation.matrix.shape == (512, 512)


def test_a_matrix_must_fit_its_qubits():
    gate = ByMatrix(np.eye(2))
    gate.its_matrix = np.eye(4)
    with pytest.raises(UnsupportedInstructionError, match=r"shape \(4, 4\).*need \(2, 2\)"):
        lower(placed(gate))


@pytest.mark.parametrize("width", [1, 2, 4])
def test_diagonal(width):
    phases = np.exp(1j * np.random.default_rng(width).uniform(0, 7, 1 << width))
    check(DiagonalGate(phases.tolist()))
    (operation,) = lower(placed(DiagonalGate(phases.tolist()))).operations
    assert isinstance(operation, Diagonal)


@pytest.mark.parametrize("seed", range(6))
def test_permutation(seed):
    pattern = np.random.default_rng(seed).permutation(5).tolist()
    check(PermutationGate(pattern), 6)
    (operation,) = lower(placed(PermutationGate(pattern))).operations
    assert isinstance(operation, Relabel)
    check(PermutationGate(pattern).inverse(), 6)
    check(AnnotatedOperation(PermutationGate(pattern), ControlModifier(1, 0)))
    for power in (2, 5, -1, 0.5):
        check(AnnotatedOperation(PermutationGate(pattern), PowerModifier(power)), atol=1e-9)


def test_permutation_moves_qubits_as_its_pattern_says():
    # Pattern [1, 2, 0]: what was in qubit 1 comes to position 0.
    circuit = QuantumCircuit(3)
    circuit.x(1)
    circuit.append(PermutationGate([1, 2, 0]), [0, 1, 2])
    assert np.argmax(np.abs(lowered_unitary(circuit)[:, 0])) == 0b001


@pytest.mark.parametrize("label", ["X", "IXYZ", "ZZZ", "II", "YI"])
def test_pauli(label):
    check(PauliGate(label))


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
    check(gate, gate.num_qubits + 1, atol=1e-9)


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
        lowered_unitary(_appended(gate, 3)), Operator(gate.definition).data, atol=1e-12
    )
    controlled = AnnotatedOperation(gate, ControlModifier(1, 0))
    expected = AnnotatedOperation(gate.definition.to_gate(), ControlModifier(1, 0))
    np.testing.assert_allclose(
        lowered_unitary(_appended(controlled, 4)), expected.to_matrix().data, atol=1e-12
    )
    pauli = SparsePauliOp(["ZZ"])
    np.testing.assert_allclose(
        lowered_unitary(_appended(PauliEvolutionGate(pauli, time=0.9), 2)),
        np.diag(np.exp(-0.9j * np.diag(pauli.to_matrix()))),
        atol=1e-12,
    )


# --- definitions -----------------------------------------------------------------------------


def inner_circuit(phase=0.0):
    circuit = QuantumCircuit(2, global_phase=phase, name="inner")
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.rz(0.3, 1)
    circuit.swap(0, 1)
    return circuit


def test_definition_with_a_global_phase():
    check(inner_circuit(0.7).to_gate(), 3)
    check(inner_circuit(0.7).to_gate().inverse(), 3)


def test_definitions_inside_definitions():
    outer = QuantumCircuit(3, global_phase=0.2)
    outer.append(inner_circuit(0.5).to_gate(), [2, 0])
    outer.append(inner_circuit(0.1).to_gate().control(1), [1, 2, 0])
    check(outer.to_gate(), 4, atol=1e-10)


@pytest.mark.parametrize("state", [0, 1, 2, 3])
def test_a_controlled_global_phase_is_a_controlled_phase(state):
    gate = AnnotatedOperation(inner_circuit(0.7).to_gate(), ControlModifier(2, state))
    check(gate, 5)
    only_phase = QuantumCircuit(1, global_phase=0.7).to_gate()
    check(AnnotatedOperation(only_phase, ControlModifier(2, state)))
    check(only_phase.control(1, ctrl_state=state & 1, annotated=False))


def test_global_phase_of_the_circuit():
    circuit = inner_circuit(1.25)
    circuit.append(XGate(), [0])
    np.testing.assert_allclose(lowered_unitary(circuit), Operator(circuit).data, atol=1e-12)


def test_phases_of_one_block_become_one_operation():
    circuit = QuantumCircuit(2, global_phase=0.1)
    for _ in range(5):
        circuit.append(inner_circuit(0.3).to_gate(), [0, 1])
    factors = [o for o in lower(circuit).operations if not o.qubits]
    assert len(factors) == 1
    np.testing.assert_allclose(factors[0].diagonal, [np.exp(1.6j)])


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
        lower(_appended(HoldsItself(), 1))
    with pytest.raises(UnsupportedInstructionError, match="nested more than 100 deep"):
        lower(_appended(AnnotatedOperation(HoldsItself(), InverseModifier()), 1))
    gate = XGate()
    for _ in range(150):
        gate = AnnotatedOperation(gate, InverseModifier())
    with pytest.raises(UnsupportedInstructionError, match="nested more than 100 deep"):
        lower(_appended(gate, 1))


def test_a_definition_that_grows_without_end_is_refused(monkeypatch):
    monkeypatch.setattr("simquay.circuits.lowering.context.MAX_EXPANDED", 3000)
    with pytest.raises(ValueError, match="hold more than 3000 instructions"):
        lower(_appended(Doubles(0), 1))


def test_parameter_bound_in_a_definition():
    theta = Parameter("theta")
    inner = QuantumCircuit(1, global_phase=theta)
    inner.rx(2 * theta, 0)
    circuit = QuantumCircuit(2)
    circuit.append(inner.to_gate(), [1])
    circuit.append(inner.to_gate().control(1, annotated=True), [0, 1])
    bound = circuit.assign_parameters({theta: 0.4})
    np.testing.assert_allclose(lowered_unitary(bound), Operator(bound).data, atol=1e-12)


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
    (operation,) = lower(circuit).operations
    assert type(operation) is kind
    assert operation.controls == tuple(range(40))
    assert operation.control_state == 12345
    assert operation.qubits == tuple(range(40, gate.num_qubits))


def test_controls_of_controls_add_up():
    inner = AnnotatedOperation(SGate(), ControlModifier(2, 1))
    check(AnnotatedOperation(inner, ControlModifier(1, 0)), 5)
    check(AnnotatedOperation(SGate(), [ControlModifier(2, 1), ControlModifier(1, 0)]), 5)
    check(XGate().control(2, ctrl_state=1).control(1, ctrl_state=0), 5)


def test_no_controls_at_all():
    check(AnnotatedOperation(RXGate(0.3), ControlModifier(0)), 2)


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
    check(AnnotatedOperation(base, list(modifiers)), atol=1e-9)


def test_a_high_power_is_one_operation():
    for base in (RXGate(0.1), TGate(), PermutationGate([1, 2, 3, 4, 0]), inner_circuit().to_gate()):
        circuit = _appended(AnnotatedOperation(base, PowerModifier(10**6 + 1)), base.num_qubits)
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
    assert len(lower(_appended(gate, 7)).operations) == 18
    check(gate)
    too_often = AnnotatedOperation(wide.to_gate(), PowerModifier(10**9))
    with pytest.raises(UnsupportedInstructionError, match="repeats more than"):
        lower(_appended(too_often, 7))
    root = QuantumCircuit(12, name="roots")
    root.h(range(12))
    fraction = AnnotatedOperation(root.to_gate(), PowerModifier(0.5))
    with pytest.raises(UnsupportedInstructionError, match=r"'roots'.*fractional"):
        lower(_appended(fraction, 12))


def test_an_unknown_modifier_is_refused():
    circuit = _appended(AnnotatedOperation(XGate(), ["twice"]), 1)
    with pytest.raises(UnsupportedInstructionError, match="modifier 'twice'"):
        lower(circuit)
