"""Errors stand beside their instructions: the density matrix of a lowered circuit is that of the
circuit with its errors applied one by one, by Qiskit's operators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from qiskit import QuantumCircuit, QuantumRegister, transpile
from qiskit.circuit import AnnotatedOperation, Delay, Duration, InverseModifier, Parameter
from qiskit.circuit.classical import expr
from qiskit.circuit.library import CCXGate, CXGate, HGate, Initialize, StatePreparation, XGate
from qiskit.quantum_info import DensityMatrix, Kraus, random_quantum_channel
from qiskit.transpiler import CouplingMap

from simquay.circuits.lowering.circuit import lower, lower_points
from simquay.errors import NoiseModelError, UnsupportedInstructionError
from simquay.noise.model import Errors, NoiseModel
from simquay.program import (
    Channel,
    ForLoop,
    IfElse,
    Matrix,
    Measure,
    Misread,
    Mixture,
    Permutation,
    Program,
)
from simquay.program.program import walk
from tests.support.channels import density_matrix, superop
from tests.support.operations import cast_to

READ = np.array([[0.9, 0.1], [0.2, 0.8]])


def channel(num_qubits: int, seed: int) -> Mixture:
    """One without structure."""
    size = 1 << num_qubits
    kraus = Kraus(random_quantum_channel(size, size, rank=2, seed=seed)).data
    return Mixture(np.array([1.0]), (np.array(kraus),))


ONE, TWO, OTHER = channel(1, 1), channel(2, 2), channel(1, 3)
DAMPING = Mixture(
    np.array([1.0]), (np.array([[[1, 0], [0, 0.8]], [[0, 0.6], [0, 0]]], dtype=complex),)
)
AFTER = Errors(after=((ONE, (0,)),))


class Table(NoiseModel):
    """The errors of each name or label, on the given qubits or (None) on all others."""

    def __init__(
        self,
        table: Mapping[tuple[str, tuple[int, ...] | None], Errors],
        dt: float | None = None,
        relaxes: bool = False,
    ) -> None:
        super().__init__(name for name, _ in table)
        self.table = table
        self.dt = dt
        self.delays: list[tuple[int, float]] = []
        self._relaxes = relaxes

    @property
    def relaxes(self) -> bool:
        return self._relaxes

    def find(self, name: str, label: str | None, qubits: tuple[int, ...]) -> Errors | None:
        known = label if label in self.names else name
        return self.table.get((str(known), qubits), self.table.get((str(known), None)))

    def relaxation(self, qubit: int, seconds: float) -> Mixture | None:
        self.delays.append((qubit, seconds))
        return DAMPING


def by_hand(circuit: QuantumCircuit, model: NoiseModel) -> DensityMatrix:
    """Of a circuit of gates and resets."""
    state = DensityMatrix.from_label("0" * circuit.num_qubits)
    for item in circuit.data:
        qubits = tuple([circuit.find_bit(bit).index for bit in item.qubits])
        errors = model.find(item.name, item.label, qubits) or Errors()
        for mixture, places in errors.before:
            state = state.evolve(superop(mixture), [qubits[place] for place in places])
        state = state.evolve(item.operation, list(qubits))
        for mixture, places in errors.after:
            state = state.evolve(superop(mixture), [qubits[place] for place in places])
    return state


MODEL = Table(
    {
        ("h", None): AFTER,
        ("rz", (2,)): Errors(before=((OTHER, (0,)),), after=((ONE, (0,)), (OTHER, (0,)))),
        ("cx", None): Errors(after=((TWO, (0, 1)),)),
        ("cx", (2, 0)): Errors(after=((TWO, (1, 0)), (ONE, (1,)))),
        ("slow", None): Errors(after=((OTHER, (0,)),)),
        ("slow", (1,)): Errors(before=((ONE, (0,)),)),
        ("reset", None): Errors(after=((ONE, (0,)),)),
        ("ccx", (0, 1, 2)): Errors(after=((TWO, (2, 0)),)),
        ("iswap", None): Errors(after=((ONE, (1,)),)),
        ("id", None): Errors(after=((OTHER, (0,)),)),
    }
)


def random_circuit(seed: int) -> QuantumCircuit:
    generator = np.random.default_rng(seed)
    circuit = QuantumCircuit(3)
    for _ in range(25):
        a, b, c = generator.permutation(3).tolist()
        match int(generator.integers(9)):
            case 0:
                circuit.h(a)
            case 1:
                circuit.append(HGate(label="slow"), [a])
            case 2:
                circuit.rz(generator.uniform(0, 6), a)
            case 3:
                circuit.cx(a, b)
            case 4:
                circuit.ccx(a, b, c)
            case 5:
                circuit.iswap(a, b)
            case 6:
                circuit.ry(generator.uniform(0, 6), a)
            case 7:
                circuit.id(a)
            case 8:
                circuit.reset(a)
    return circuit


@pytest.mark.parametrize("seed", range(12))
def test_the_density_matrix_is_that_of_the_circuit_and_its_errors(seed):
    circuit = random_circuit(seed)
    found = density_matrix(lower(circuit, MODEL))
    np.testing.assert_allclose(found, by_hand(circuit, MODEL), atol=1e-12)
    assert not np.allclose(found, density_matrix(lower(circuit)))


@pytest.mark.parametrize("seed", range(4))
def test_points_have_the_errors_of_the_circuit(seed):
    angle = Parameter("a")
    circuit = random_circuit(seed)
    circuit.rz(2 * angle, 2)
    circuit.ry(angle, 1)
    for _ in range(2):  # the second time, what is kept
        programs = lower_points(circuit, [[0.3], [1.7]], MODEL)
        for value, program in zip((0.3, 1.7), programs, strict=True):
            expected = by_hand(circuit.assign_parameters([value]), MODEL)
            np.testing.assert_allclose(density_matrix(program), expected, atol=1e-12)
    ideal = lower_points(circuit, [[0.3]])[0]
    assert not any(isinstance(one, Channel) for one in ideal.operations)


def kinds(body: Any) -> list[type]:
    return [type(one) for one in body]


def test_an_error_stands_in_a_body_of_control_flow_on_the_qubits_of_the_whole_circuit():
    model = Table(
        {("x", (2,)): AFTER, ("measure", (2,)): Errors(before=((ONE, (0,)),), misread=READ)}
    )
    circuit = QuantumCircuit(3, 2)
    circuit.h(2)
    circuit.measure(2, 1)
    with circuit.if_test((circuit.clbits[1], 1)):
        circuit.x(2)
        circuit.x(0)
    with circuit.for_loop(range(3)):
        circuit.x(1)
        circuit.x(2)
        circuit.measure(2, 0)
    program = lower(circuit, model)
    assert kinds(program.operations) == [Matrix, Channel, Measure, Misread, IfElse, ForLoop]
    misread = cast_to(Misread, program.operations[3])
    assert misread.clbits == (1,)
    assert misread.probabilities is READ
    branch = cast_to(IfElse, program.operations[4])
    assert kinds(branch.then) == [Permutation, Channel, Permutation]
    assert cast_to(Channel, branch.then[1]).qubits == (2,)
    loop = cast_to(ForLoop, program.operations[5])
    assert kinds(loop.bodies[0]) == [
        Permutation, Permutation, Channel, Channel, Measure, Misread,
    ]  # fmt: skip
    assert loop.bodies[0] is loop.bodies[2]


def test_channels_of_one_kind_share_their_mixture():
    circuit = QuantumCircuit(2)
    circuit.h([0, 1])
    found = [one for one in lower(circuit, MODEL).operations if isinstance(one, Channel)]
    assert [one.qubits for one in found] == [(0,), (1,)]
    assert all(one.mixture is ONE for one in found)


def inner() -> QuantumCircuit:
    circuit = QuantumCircuit(2, name="inner")
    circuit.h(0)
    circuit.cx(0, 1)
    return circuit


def channels(program: Program) -> list[tuple[int, ...]]:
    return [one.qubits for one in walk(program.operations) if isinstance(one, Channel)]


def test_errors_of_the_instructions_inside_a_definition_count_where_it_is_not_named():
    circuit = QuantumCircuit(3)
    circuit.append(inner().to_instruction(), [2, 0])
    circuit.append(inner().to_gate(), [1, 2])
    nested = QuantumCircuit(2, name="nested")
    nested.append(inner().to_gate(), [1, 0])
    circuit.append(nested.to_gate(), [0, 1])
    assert channels(lower(circuit, MODEL)) == [(2,), (0, 2), (0,), (1,), (1, 2), (1,), (1, 0)]


def test_a_named_instruction_is_one_whatever_its_definition_holds():
    model = Table({("inner", (0, 1)): AFTER, ("h", None): AFTER})
    circuit = QuantumCircuit(3)
    circuit.append(inner().to_gate(), [0, 1])
    circuit.append(inner().to_gate(), [1, 2])
    assert channels(lower(circuit, model)) == [(0,)]


def test_what_is_modified_has_no_errors_inside_but_may_be_named():
    gate = inner().to_gate()
    circuit = QuantumCircuit(3)
    circuit.append(gate.control(1), [0, 1, 2])
    circuit.append(AnnotatedOperation(gate, [InverseModifier()]), [0, 1])
    circuit.append(AnnotatedOperation(HGate(), [InverseModifier()]), [0])
    assert channels(lower(circuit, MODEL)) == []
    named = Table({("cinner", None): Errors(after=((TWO, (0, 2)),))})
    circuit.data[0] = circuit.data[0].replace(operation=gate.control(1))
    assert circuit.data[0].name == "cinner"
    assert channels(lower(circuit, named)) == [(0, 2)]


def test_open_controls_are_closed_ones_between_x():
    model = Table({("x", None): AFTER, ("cx", None): Errors(after=((TWO, (0, 1)),))})
    circuit = QuantumCircuit(3)
    circuit.h([0, 1])
    circuit.append(CXGate(ctrl_state=0), [2, 0])
    circuit.append(CCXGate(ctrl_state=2), [0, 1, 2])
    program = lower(circuit, model)
    assert channels(program) == [(2,), (2, 0), (2,), (0,), (0,)]
    plain = QuantumCircuit(3)
    plain.h([0, 1])
    plain.x(2)
    plain.cx(2, 0)
    plain.x(2)
    plain.x(0)
    plain.ccx(0, 1, 2)
    plain.x(0)
    np.testing.assert_allclose(density_matrix(program), by_hand(plain, model), atol=1e-12)
    named = Table({("cx_o0", (2, 0)): AFTER, ("x", None): AFTER})
    assert channels(lower(circuit, named)) == [(2,), (0,), (0,)]


@pytest.mark.parametrize("state", ["01", 2, [0.6, 0, 0, 0.8j]])
@pytest.mark.parametrize("kind", [Initialize, StatePreparation])
def test_a_preparation_is_one_instruction(kind, state):
    args = (state,) if not isinstance(state, int) else (state, 2)
    model = Table({(name, None): AFTER for name in ("x", "h", "ry", "u", "cx", "reset")})
    circuit = QuantumCircuit(2)
    circuit.x(0)
    circuit.append(kind(*args), [0, 1])
    assert channels(lower(circuit, model)) == [(0,)]
    named = Table({(kind(*args).name, None): Errors(after=((TWO, (1, 0)),))})
    assert channels(lower(circuit, named)) == [(1, 0)]


def test_a_channel_that_is_unitary_is_a_gate():
    matrix = np.array([[0.6, 0.8], [-0.8, 0.6]], dtype=complex)
    rotation = Mixture(np.array([1.0]), (matrix,))
    phase = Mixture(np.array([1.0]), (np.diag([1, 1j]),), is_diagonal=True)
    model = Table({("h", None): Errors(after=((rotation, (0,)), (phase, (0,))))})
    circuit = QuantumCircuit(1)
    circuit.h(0)
    program = lower(circuit, model)
    assert not channels(program)
    expected = np.diag([1, 1j]) @ matrix @ HGate().to_matrix() @ [1, 0]
    np.testing.assert_allclose(density_matrix(program), DensityMatrix(expected), atol=1e-12)


def test_a_label_added_later_is_seen_although_qiskits_comparison_sees_none():
    angle = Parameter("a")
    circuit = QuantumCircuit(1)
    circuit.x(0)
    circuit.rx(angle, 0)
    model = Table({("slow", None): AFTER})
    hit: set[str] = set()
    assert channels(lower_points(circuit, [[0.3]], model, hit)[0]) == []
    assert not hit
    circuit.data[0] = circuit.data[0].replace(operation=XGate(label="slow"))
    assert channels(lower_points(circuit, [[0.3]], model, hit)[0]) == [(0,)]
    assert hit == {"slow"}


def test_names_that_are_hit_are_told_with_kept_programs_too():
    angle = Parameter("a")
    circuit = QuantumCircuit(3)
    circuit.rz(angle, 1)
    circuit.h(0)
    circuit.append(HGate(label="slow"), [1])
    for lowered in range(3):
        hit = {"before"}
        if lowered:
            lower_points(circuit, [[0.5]], MODEL, hit)
        else:
            lower(circuit.assign_parameters([0.5]), MODEL, hit)
        assert hit == {"before", "h", "slow"}  # there are errors of rz on qubit 2 alone


def test_programs_are_kept_apart_by_model():
    angle = Parameter("a")
    circuit = QuantumCircuit(1)
    circuit.rx(angle, 0)
    circuit.h(0)
    other = Table({("rx", None): Errors(after=((OTHER, (0,)),))})
    for _ in range(2):
        found = [
            [one.mixture for one in program.operations if isinstance(one, Channel)]
            for model in (None, MODEL, other)
            for program in lower_points(circuit, [[0.5]], model)
        ]
        assert found == [[], [ONE], [OTHER]]


def test_where_operations_depend_on_parameters_each_point_has_its_errors():
    angle = Parameter("a")
    circuit = QuantumCircuit(3)
    circuit.h(0)
    circuit.delay(angle, 0, "us")
    model = Table({("h", None): AFTER}, relaxes=True)
    hit: set[str] = set()
    programs = lower_points(circuit, [[1.0], [2.0]], model, hit)
    assert [channels(program) for program in programs] == [[(0,), (0,)]] * 2
    assert model.delays == [(0, 1e-6), (0, 2e-6)]
    assert hit == {"h", "delay"}


@pytest.mark.parametrize(
    ("duration", "unit", "dt", "seconds"),
    [
        (100, "dt", 2e-9, 2e-7),
        (3, "ns", None, 3e-9),
        (1.5, "us", None, 1.5e-6),
        (2, "s", 1.0, 2.0),
        (expr.lift(Duration.ns(7)), None, None, 7e-9),
        (expr.lift(Duration.dt(7)), None, 1e-9, 7e-9),
    ],
)
def test_qubits_relax_in_delays(duration, unit, dt, seconds):
    circuit = QuantumCircuit(2)
    circuit.x(1)
    circuit.append(Delay(duration, unit), [1])
    model = Table({}, dt, relaxes=True)
    program = lower(circuit, model)
    assert kinds(program.operations) == [Permutation, Channel]
    ((qubit, found),) = model.delays
    assert qubit == 1
    assert found == pytest.approx(seconds)


def test_a_delay_without_seconds_does_not_relax():
    circuit = QuantumCircuit(1)
    circuit.x(0)
    circuit.delay(100, 0, "dt")
    circuit.delay(0, 0, "s")
    hit: set[str] = set()
    assert kinds(lower(circuit, Table({}, relaxes=True), hit).operations) == [Permutation]
    assert not hit


def test_a_stretch_cannot_relax():
    circuit = QuantumCircuit(1)
    circuit.x(0)
    circuit.delay(circuit.add_stretch("s"), 0)
    assert lower(circuit, Table({})).operations
    with pytest.raises(UnsupportedInstructionError, match=r"'delay' \(index 1 .* no number"):
        lower(circuit, Table({}, relaxes=True))


def test_qubits_that_nothing_has_moved_stay_without_channels_that_keep_zero():
    relaxing = Errors(after=((DAMPING, (0,)),))
    model = Table({("id", None): relaxing, ("rz", None): relaxing, ("h", None): AFTER})
    circuit = QuantumCircuit(3)
    circuit.id([0, 1])
    circuit.rz(0.3, 2)
    circuit.x(1)
    circuit.id([0, 1])
    circuit.swap(1, 2)
    circuit.id([0, 1, 2])
    circuit.h(0)
    program = lower(circuit, model)
    assert channels(program) == [(1,), (2,), (0,)]
    np.testing.assert_allclose(density_matrix(program), by_hand(circuit, model), atol=1e-12)


def test_in_a_loop_all_channels_stay():
    model = Table({("id", None): Errors(after=((DAMPING, (0,)),))})
    circuit = QuantumCircuit(1)
    with circuit.for_loop(range(2)):
        circuit.id(0)
        circuit.x(0)
    assert channels(lower(circuit, model)) == [(0,)]


def test_the_qubits_of_a_model_are_those_of_the_circuit_where_idle_ones_are_left_out():
    narrow = QuantumCircuit(2, 2)
    narrow.h(0)
    narrow.cx(0, 1)
    narrow.measure([0, 1], [1, 0])
    wide = transpile(
        narrow,
        coupling_map=CouplingMap.from_line(80),
        initial_layout=[71, 70],
        basis_gates=["h", "cx"],
        optimization_level=0,
    )
    model = Table(
        {
            ("h", (71,)): AFTER,
            ("cx", (71, 70)): Errors(after=((TWO, (0, 1)),)),
            ("measure", (70,)): Errors(misread=READ),
        }
    )
    program = lower(wide, model)
    assert program.num_qubits == 2
    assert channels(program) == [(1,), (1, 0)]
    (at,) = [at for at, one in enumerate(program.operations) if isinstance(one, Misread)]
    misread, measure = program.operations[at], cast_to(Measure, program.operations[at - 1])
    assert cast_to(Misread, misread).clbits == (measure.clbit,) == (0,)
    assert measure.qubit == 0


def test_registers_do_not_change_the_numbers_of_qubits():
    circuit = QuantumCircuit(QuantumRegister(1, "z"), QuantumRegister(2, "a"))
    circuit.rz(0.3, 2)
    circuit.h(0)
    circuit.rz(0.3, 1)
    assert channels(lower(circuit, MODEL)) == [(2,), (2,), (2,), (0,)]


def test_a_prepared_circuit_takes_the_place_of_the_circuit():
    class Inserting(Table):
        def prepared(self, circuit: QuantumCircuit) -> QuantumCircuit:
            made = circuit.copy_empty_like()
            for item in circuit.data:
                made.append(item)
                made.id(item.qubits[0])
            return made

    circuit = QuantumCircuit(2)
    circuit.x(1)
    circuit.x(0)
    model = Inserting({("id", (1,)): AFTER})
    assert channels(lower(circuit, model)) == [(1,)]
    assert len(circuit.data) == 2


def test_an_error_of_the_model_comes_out_as_it_is():
    class Wrong(Table):
        def find(self, name: str, label: str | None, qubits: tuple[int, ...]) -> Errors | None:
            raise NoiseModelError("no channel")

    circuit = QuantumCircuit(1)
    circuit.h(0)
    with pytest.raises(NoiseModelError, match=r"^no channel$"):
        lower(circuit, Wrong({("h", None): AFTER}))


def test_a_model_that_hits_nothing_gives_the_ideal_program():
    circuit = random_circuit(3)
    hit: set[str] = set()
    assert lower(circuit, Table({("sx", None): AFTER}), hit) == lower(circuit)
    assert not hit
