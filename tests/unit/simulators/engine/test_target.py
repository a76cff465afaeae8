"""``transpile(circuit, backend)`` works at every level, and leaves circuits as they are."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit import QuantumCircuit, transpile
from qiskit.circuit import CircuitInstruction
from qiskit.circuit.classical import expr, types
from qiskit.circuit.library import (
    DiagonalGate,
    PauliEvolutionGate,
    PermutationGate,
    get_standard_gate_name_mapping,
    quantum_volume,
)
from qiskit.quantum_info import (
    Kraus,
    Pauli,
    SparsePauliOp,
    Statevector,
    random_quantum_channel,
    random_unitary,
)
from qiskit_aer import AerSimulator
from qiskit_aer import library as aer
from qiskit_aer.library import save_statevector
from qiskit_aer.noise import depolarizing_error

from simquay.engines.reference import ReferenceEngine
from simquay.simulators.engine.backend import EngineBackend

LEVELS = [0, 1, 2, 3]


@pytest.fixture
def backend() -> EngineBackend:
    return EngineBackend(ReferenceEngine(), name="reference")


def wide_circuit(reset: bool = True) -> QuantumCircuit:
    """Gates that a small basis would take apart."""
    circuit = QuantumCircuit(6, 6)
    circuit.h(range(6))
    circuit.ccx(0, 1, 2)
    circuit.swap(3, 4)
    circuit.rzz(0.3, 4, 5)
    circuit.cswap(0, 1, 5)
    circuit.unitary(random_unitary(8, seed=7), [0, 2, 4])
    circuit.mcx([0, 1, 2, 3, 4], 5)
    circuit.mcp(0.3, [0, 1, 2], 3)
    circuit.append(DiagonalGate([1, -1, 1j, 1]), [0, 1])
    circuit.append(PauliEvolutionGate(SparsePauliOp(["XZ", "YY"], [0.5, 0.2]), 0.7), [2, 3])
    circuit.append(PermutationGate([1, 2, 0]), [0, 1, 2])
    circuit.pauli("XYZ", [3, 4, 5])
    circuit.rcccx(0, 1, 2, 3)
    circuit.barrier()
    if reset:
        circuit.reset(5)
        circuit.initialize([0.6, 0.8], 5)
    circuit.delay(10, 0)
    circuit.measure(range(6), range(6))
    return circuit


def dynamic_circuit() -> QuantumCircuit:
    """All control flow, a variable and a store."""
    circuit = QuantumCircuit(3, 3)
    circuit.h(0)
    circuit.measure(0, 0)
    count = circuit.add_var("count", expr.lift(3, types.Uint(4)))
    with circuit.if_test((circuit.clbits[0], True)) as otherwise:
        circuit.ccx(0, 1, 2)
    with otherwise:
        circuit.x(1)
    with circuit.for_loop(range(3)):
        circuit.h(0)
        circuit.continue_loop()
    with circuit.while_loop((circuit.clbits[0], True)):
        circuit.x(0)
        circuit.measure(0, 0)
        circuit.break_loop()
    circuit.store(count, 5)
    with circuit.switch(count) as case:
        with case(1):
            circuit.x(0)
        with case(case.DEFAULT):
            circuit.y(0)
    with circuit.box():
        circuit.x(2)
    circuit.measure(range(3), range(3))
    return circuit


@pytest.mark.slow
@pytest.mark.parametrize("level", [0, 1])
def test_nothing_is_taken_apart_at_levels_0_and_1(backend: EngineBackend, level: int) -> None:
    circuit = wide_circuit()
    before, after = circuit.count_ops(), transpile(circuit, backend, optimization_level=level)
    kept = after.count_ops()
    for name in before.keys() - {"h"}:  # level 1 may write a one-qubit gate as another
        assert kept[name] == before[name], name
    assert sum(kept.values()) == sum(before.values())


def distribution(backend: EngineBackend, circuit: QuantumCircuit) -> dict[str, float]:
    """The exact probability of each outcome of a circuit that measures every qubit at its end."""
    state = backend.run(circuit, statevector=True).result().get_statevector()
    qubit_of = {
        circuit.find_bit(one.clbits[0]).index: circuit.find_bit(one.qubits[0]).index
        for one in circuit.data
        if one.operation.name == "measure"
    }
    found: dict[str, float] = state.probabilities_dict(
        [qubit_of[bit] for bit in range(len(qubit_of))]
    )
    return found


# Level 2 takes Pauli evolutions' matrices through SciPy, which warns of how Qiskit asks it.
@pytest.mark.filterwarnings("ignore:.*CSC :scipy.sparse.SparseEfficiencyWarning")
@pytest.mark.parametrize("level", LEVELS)
def test_a_transpiled_circuit_means_the_same(backend: EngineBackend, level: int) -> None:
    circuit = wide_circuit(reset=False)
    transpiled = transpile(circuit, backend, optimization_level=level, seed_transpiler=1)
    expected, found = distribution(backend, circuit), distribution(backend, transpiled)
    assert len(expected) > 40
    for outcome in expected.keys() | found.keys():
        assert abs(expected.get(outcome, 0) - found.get(outcome, 0)) < 1e-9


@pytest.mark.parametrize("level", LEVELS)
def test_control_flow_is_transpiled(backend: EngineBackend, level: int) -> None:
    transpiled = transpile(dynamic_circuit(), backend, optimization_level=level)
    kept = transpiled.count_ops()
    for name in ("if_else", "for_loop", "while_loop", "switch_case", "box", "store"):
        assert kept.get(name, 0) >= 1, name
    assert sum(backend.run(transpiled).result().get_counts().values()) == 1024


@pytest.mark.parametrize("level", LEVELS)
def test_every_standard_gate_stays_itself_or_means_the_same(
    backend: EngineBackend, level: int
) -> None:
    for name, gate in get_standard_gate_name_mapping().items():
        if name in ("measure", "reset", "delay", "global_phase"):
            continue
        bound = gate.to_mutable()
        bound.params = [0.1 * (index + 1) for index in range(len(gate.params))]
        circuit = QuantumCircuit(gate.num_qubits)
        circuit.append(CircuitInstruction(bound, circuit.qubits))
        transpiled = transpile(circuit, backend, optimization_level=level)
        if level == 0:
            assert dict(transpiled.count_ops()) == {name: 1}
        # The layout that level 2 and 3 may choose is a relabelling that `transpiled` carries.
        layout = transpiled.layout
        if layout is not None and layout.final_layout is not None:
            permutation = layout.final_index_layout()
            undo = QuantumCircuit(gate.num_qubits)
            undo.append(PermutationGate(permutation), undo.qubits)
            transpiled = transpiled.compose(undo)
        left, right = Statevector.from_label("+" * gate.num_qubits), None
        right = left.evolve(transpiled)
        assert np.allclose(left.evolve(circuit).data, right.data, atol=1e-9), name


def test_the_transpiler_adds_no_qubits(backend: EngineBackend) -> None:
    assert type(backend.num_qubits) is int
    assert backend.coupling_map is None
    for qubits in (1, 5, 40, 500):
        circuit = QuantumCircuit(qubits)
        circuit.h(range(qubits))
        assert transpile(circuit, backend, optimization_level=2).num_qubits == qubits


def test_two_qubit_unitaries_survive_level_2(backend: EngineBackend) -> None:
    circuit = quantum_volume(4, 3, seed=3)
    assert "unitary" in transpile(circuit, backend, optimization_level=2).count_ops()


@pytest.mark.parametrize("level", LEVELS)
def test_aers_save_instruction_is_let_through(backend: EngineBackend, level: int) -> None:
    circuit = QuantumCircuit(2)
    circuit.h(0)
    save_statevector(circuit)
    circuit.cx(0, 1)
    transpiled = transpile(circuit, backend, optimization_level=level)
    assert transpiled.count_ops()["save_statevector"] == 1
    state = backend.run(transpiled).result().get_statevector()
    assert np.allclose(state.data, np.array([1, 1, 0, 0]) / np.sqrt(2))


@pytest.mark.parametrize("level", LEVELS)
def test_aers_other_instructions_keep_their_place(backend: EngineBackend, level: int) -> None:
    circuit = QuantumCircuit(3)
    circuit.append(aer.SetStatevector([0, 0, 0, 0, 0, 0, 0, 1]), [0, 1, 2])
    circuit.x([1, 2])
    circuit.append(aer.SaveProbabilities(2, label="one"), [0, 2])
    circuit.append(aer.SaveExpectationValue(Pauli("ZX")), [1, 0])
    circuit.append(aer.SaveDensityMatrix(1), [0])
    circuit.swap(0, 2)
    circuit.append(aer.SaveProbabilitiesDict(2, label="two"), [0, 2])
    placed = transpile(circuit, backend, optimization_level=level, initial_layout=[4, 0, 2])
    data = backend.run(placed).result().data()
    assert (data["one"].tolist(), dict(data["two"])) == ([0, 1, 0, 0], {2: 1.0})
    assert data["expectation_value"] == pytest.approx(0)
    assert np.allclose(data["density_matrix"].data, np.diag([0, 1]))


def test_each_backend_has_a_target_of_its_own() -> None:
    first, second = (EngineBackend(ReferenceEngine(), name="reference") for _ in range(2))
    assert first.target is first.target
    assert first.target is not second.target


def test_a_circuit_with_a_layout_is_widened_and_runs(backend: EngineBackend) -> None:
    circuit = QuantumCircuit(2)
    circuit.x(0)
    circuit.measure_all()
    placed = transpile(circuit, backend, initial_layout=[7, 3])
    assert placed.num_qubits == backend.num_qubits
    assert backend.run(placed, shots=5).result().get_counts() == {"01": 5}


@pytest.mark.parametrize("layout", [[3, 1, 0], [0, 5, 9]])
def test_a_state_is_that_of_the_qubits_that_the_transpiler_placed(
    backend: EngineBackend, layout: list[int]
) -> None:
    circuit = QuantumCircuit(3)  # the last qubit is idle
    circuit.x(0)
    circuit.h(1)
    placed = transpile(circuit, backend, initial_layout=layout)
    assert placed.num_qubits == backend.num_qubits
    found = backend.run(placed, statevector=True).result().get_statevector()
    save_statevector(circuit)
    placed = transpile(circuit, backend, initial_layout=layout)
    saved = backend.run(placed).result().get_statevector()
    narrow = transpile(circuit, AerSimulator(), initial_layout=layout)
    expected = np.asarray(AerSimulator().run(narrow).result().get_statevector())
    np.testing.assert_allclose(found.data, expected, atol=1e-12)
    np.testing.assert_allclose(saved.data, expected, atol=1e-12)


@pytest.mark.parametrize("level", LEVELS)
def test_channels_stay_as_they_are(backend: EngineBackend, level: int) -> None:
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.append(Kraus(random_quantum_channel(2, 2, seed=1)).to_instruction(), [1])
    circuit.append(depolarizing_error(0.1, 2).to_instruction(), [0, 1])
    circuit.cx(0, 1)
    assert transpile(circuit, backend, optimization_level=level) == circuit
