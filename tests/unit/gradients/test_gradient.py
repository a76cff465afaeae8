"""Gradients against differences of Qiskit's own expectation values."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import (
    AnnotatedOperation,
    ControlModifier,
    Gate,
    Parameter,
    ParameterVector,
    PowerModifier,
)
from qiskit.circuit.library import (
    HamiltonianGate,
    PhaseGate,
    RYGate,
    UGate,
    efficient_su2,
    qaoa_ansatz,
)
from qiskit.circuit.library import standard_gates as library
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.quantum_info import (
    SparseObservable,
    SparsePauliOp,
    Statevector,
    random_hermitian,
    random_pauli_list,
)

from simquay.circuits.lowering.angles import DIFFERENCES
from simquay.engines.base import BaseEngine
from simquay.errors import ProgramError
from simquay.gradients import gradient_job, jacobian, value_and_gradient
from simquay.jobs.dispatch.threads import WorkerPool
from simquay.jobs.errors import JobFailedError

ENGINES = ["numpy", "reference"]

ROTATIONS = [
    kind
    for _, kind in sorted(vars(library).items())
    if inspect.isclass(kind)
    and issubclass(kind, Gate)
    and (names := [*inspect.signature(kind).parameters])
    and names[0] in ("theta", "phi", "lam")
]
"""Every standard gate with angles."""


def an_observable(num_qubits, seed=0, terms=8):
    paulis = random_pauli_list(num_qubits, terms, seed=seed, phase=False)
    return SparsePauliOp(paulis, np.random.default_rng(seed).uniform(-1, 1, terms))


def qiskits_value(circuit, observable, values):
    if isinstance(observable, SparseObservable):
        observable = SparsePauliOp.from_sparse_observable(observable)
    state = Statevector(circuit.assign_parameters(values))
    return float(state.expectation_value(observable).real)


def qiskits_gradient(circuit, observable, values, scale=1.0):
    """By differences of order 8, of steps of ``scale / 128``; the error is some 1e-12."""
    found = np.zeros(len(values))
    for place in range(len(values)):
        for shift, weight in DIFFERENCES:
            moved = np.array(values)
            moved[place] += scale * shift
            found[place] += weight / scale * qiskits_value(circuit, observable, moved)
    return found


def check(circuit, observable, values, backend="numpy", tolerance=1e-9, scale=1.0):
    found = value_and_gradient(backend, circuit, observable, values)
    assert found.values == pytest.approx(qiskits_value(circuit, observable, values), abs=1e-12)
    wanted = qiskits_gradient(circuit, observable, values, scale)
    np.testing.assert_allclose(found.gradients, wanted, rtol=0, atol=tolerance)


def made(kind, angles):
    """A gate with the given angles; on one qubit with two controls where that is open."""
    names = inspect.signature(kind).parameters
    return kind(*angles, num_ctrl_qubits=2) if "num_ctrl_qubits" in names else kind(*angles)


def angles_of(kind):
    names = inspect.signature(kind).parameters
    return [name for name in names if name in ("theta", "phi", "lam", "gamma", "beta")]


def test_every_gate_with_angles_is_among_those_tested():
    names = {kind.__name__ for kind in ROTATIONS}
    assert names >= {"RXGate", "CU3Gate", "RZZGate", "XXPlusYYGate", "CRYGate", "MCPhaseGate"}
    assert len(names) >= 20


@pytest.mark.parametrize("kind", ROTATIONS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("engine", ENGINES)
def test_each_gate(kind, engine):
    names = angles_of(kind)
    angles = ParameterVector("a", len(names))
    gate = made(kind, angles)
    circuit = QuantumCircuit(4)
    for qubit in range(4):
        circuit.ry(0.3 + qubit, qubit)
    circuit.cx(0, 3)
    circuit.append(gate, [2, 0, 3, 1][: gate.num_qubits])
    circuit.append(gate.inverse(), [1, 3, 0, 2][: gate.num_qubits])
    circuit.append(
        gate.control(1, ctrl_state=0),
        [3, 1, 2, 0, 0][: gate.num_qubits + 1] if gate.num_qubits < 4 else [],
    )
    circuit.sx([0, 1, 2, 3])
    check(circuit, an_observable(4), np.arange(len(names)) * 0.4 + 0.7, engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_expressions_shared_parameters_and_phases(engine):
    a, b, c = (Parameter(name) for name in "abc")
    circuit = QuantumCircuit(3, global_phase=a * b)
    circuit.h([0, 1, 2])
    circuit.rx(2 * a - b, 0)
    circuit.ry(a * b, 1)
    circuit.rz(b.sin() + c**2, 2)
    circuit.cp(a / (1 + c * c), 0, 2)
    circuit.mcp(c.exp() * a, [0, 1], 2)
    inner = QuantumCircuit(2, global_phase=c)
    inner.u(a, b, c, 0)
    inner.rzx(a, 0, 1)
    circuit.append(inner.to_gate().control(1), [2, 0, 1])
    circuit.append(inner.to_gate().inverse(), [1, 2])
    circuit.append(inner.to_gate().repeat(2), [0, 1])
    circuit.swap(0, 2)
    circuit.rx(a, 0)
    circuit.delay(3, 1)
    circuit.barrier()
    circuit.ry(c, 1)
    check(circuit, an_observable(3), [0.3, -0.8, 0.6], engine)


class _Known(Gate):
    """A gate without a definition."""

    def __init__(self, angle):
        super().__init__("known", 1, [angle])

    def __array__(self, dtype=None, copy=None):
        cosine, sine = np.cos(float(self.params[0])), np.sin(float(self.params[0]))
        return np.array([[cosine, -1j * sine], [-1j * sine, cosine]])


@pytest.mark.parametrize("engine", ENGINES)
def test_gates_that_only_their_matrix_tells(engine):
    a, b = Parameter("a"), Parameter("b")
    circuit = QuantumCircuit(3)
    circuit.append(UGate(a, b, 0.2).power(0.3, annotated=True), [0])
    circuit.append(RYGate(a * b).power(0.5).control(1), [0, 1])
    circuit.rx(b, 2)
    circuit.cx(2, 0)
    circuit.append(_Known(a * a), [1])
    circuit.ry(a, 0)
    check(circuit, an_observable(3), [0.9, 0.4], engine)


@pytest.mark.parametrize("turn", [0.0, np.pi])
def test_a_definition_whose_phase_is_0_at_these_values_alone(turn):
    """Qiskit defines RV by U and a phase, which are 0 or not as the third angle is."""
    a, b = Parameter("a"), Parameter("b")
    circuit = QuantumCircuit(2)
    circuit.h([0, 1])
    circuit.rv(b, 0.3, a, 0)
    inner = QuantumCircuit(1)
    inner.rv(a + b, -0.3, a * b, 0)
    circuit.append(inner.to_gate().inverse(), [1])
    circuit.append(AnnotatedOperation(RYGate(turn + a), PowerModifier(0.5)), [0])
    circuit.append(AnnotatedOperation(inner.to_gate(), ControlModifier(1)), [0, 1])
    check(circuit, an_observable(2), [0.0, 0.7])


@pytest.mark.parametrize("where", ["by its matrix", "beside one"])
@pytest.mark.parametrize("values", [[0.006, 0.4], [-0.006, 1.1]])
def test_expressions_with_kinks_in_circuits_with_gates_by_matrix(values, where):
    """The steps of differences would cross the kink, at 0."""
    a, b = Parameter("a"), Parameter("b")
    kinked = (1 + a.abs()) * b
    circuit = QuantumCircuit(2)
    circuit.h([0, 1])
    circuit.rv(*((kinked, 0.3, a.abs()) if where == "by its matrix" else (b, 0.3, a)), 0)
    circuit.ry(kinked, 1)
    circuit.append(RYGate(a.abs() - b).control(1, ctrl_state=0), [0, 1])
    check(circuit, an_observable(2), values, scale=1 / 16)


@pytest.mark.parametrize("norm", [1, 15, 40])
def test_matrices_and_expressions_of_high_frequency(norm):
    a, b = Parameter("a"), Parameter("b")
    hermitian = random_hermitian(4, seed=1).data
    hermitian *= norm / np.linalg.norm(hermitian, 2)
    circuit = QuantumCircuit(3)
    circuit.h([0, 1, 2])
    circuit.append(HamiltonianGate(hermitian, a), [0, 2])
    circuit.rx(norm * a * (1 + b) ** 2, 1)
    circuit.append(HamiltonianGate(hermitian, b).control(1, annotated=True), [1, 0, 2])
    check(circuit, an_observable(3), [0.3, 0.2], scale=1 / 32)


@pytest.mark.parametrize("value", [np.pi - 0.002, np.pi + 0.01])
def test_a_fractional_power_near_its_jump(value):
    a = Parameter("a")
    circuit = QuantumCircuit(2)
    circuit.h([0, 1])
    circuit.append(AnnotatedOperation(PhaseGate(a), [PowerModifier(0.3)]), [1])
    circuit.append(RYGate(a).power(0.3), [0])
    check(circuit, an_observable(2), [value], scale=1 / 32)
    with pytest.raises(ProgramError, match="jumps near"):
        value_and_gradient("numpy", circuit, an_observable(2), [np.pi + 1e-6])


def test_powers_of_many_gates():
    a, b = Parameter("a"), Parameter("b")
    inner = QuantumCircuit(2)
    for _ in range(4):
        inner.rx(a * b, 0)
        inner.cx(0, 1)
        inner.u(a, 0.2, b, 1)
    circuit = QuantumCircuit(3)
    circuit.h([0, 1, 2])
    circuit.append(AnnotatedOperation(inner.to_gate(), [PowerModifier(20)]), [2, 0])
    circuit.append(AnnotatedOperation(inner.to_gate(), [PowerModifier(-0.4)]), [0, 1])
    circuit.rz(a, 2)
    check(circuit, an_observable(3), [0.3, 0.2], scale=1 / 32)


def test_an_expression_that_came_to_a_negative_number():
    a = Parameter("a")
    circuit = QuantumCircuit(1)
    circuit.rx(a, 0)
    circuit.u(a - a - 0.7, a * 0 - 1, -a, 0)
    check(circuit, an_observable(1), [0.3])


@pytest.mark.parametrize("turned", [1, 100])
@pytest.mark.parametrize("seed", range(6))
def test_random_circuits(monkeypatch, seed, turned):
    monkeypatch.setattr(BaseEngine, "turned_from", turned)
    rng = np.random.default_rng(seed)
    count = 5
    angles = ParameterVector("a", count)
    circuit = QuantumCircuit(5)
    for _ in range(40):
        kind = ROTATIONS[rng.integers(len(ROTATIONS))]
        names = angles_of(kind)
        own = [angles[rng.integers(count)] * float(rng.uniform(-1, 1)) + 0.1 for _ in names]
        gate = made(kind, own)
        circuit.append(gate, rng.permutation(5)[: gate.num_qubits].tolist())
        circuit.append(
            [library.CXGate(), library.SwapGate(), library.CZGate()][rng.integers(3)],
            rng.permutation(5)[:2].tolist(),
        )
    check(circuit, an_observable(5, seed), rng.uniform(-2, 2, count))


@pytest.mark.parametrize(
    "circuit",
    [
        efficient_su2(4, reps=2),
        qaoa_ansatz(
            SparsePauliOp.from_sparse_list(
                [("ZZ", [i, j], 0.3 + i / 10) for i in range(4) for j in range(i)], 4
            ),
            reps=2,
        ),
    ],
    ids=["su2", "qaoa"],
)
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("turned", [1, 100])
def test_ansatze_of_the_library(monkeypatch, circuit, engine, turned):
    monkeypatch.setattr(BaseEngine, "turned_from", turned)
    values = np.random.default_rng(5).uniform(-1, 1, circuit.num_parameters)
    check(circuit, an_observable(circuit.num_qubits), values, engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_projectors_and_qubits_that_nothing_moves(engine):
    a, b = Parameter("a"), Parameter("b")
    circuit = QuantumCircuit(6)
    circuit.ry(a, 1)
    circuit.crx(b, 1, 3)
    circuit.crx(a, 0, 4)  # qubit 0 is |0>, so nothing happens
    circuit.rz(b, 5)
    circuit.cp(a, 5, 1)
    observable = SparseObservable.from_list(
        [
            ("III0ZI", 0.7),
            ("II+IIX", 1.1),
            ("1ZXIYI", 0.4),
            ("IIIIII", 2.0),
            ("0II1lZ", -0.3),
            ("I+II-r", 0.6),
        ]
    )
    check(circuit, observable, [0.4, 1.3], engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_gates_that_find_their_control_0(engine):
    """On the way back, their control is stored, and may be 1 in what the observable made."""
    a, b = Parameter("a"), Parameter("b")
    circuit = QuantumCircuit(4)
    circuit.cx(0, 1)
    circuit.crx(a, 2, 3)
    circuit.cu(a, b, 0.3, a, 0, 3)
    circuit.ry(b, 0)
    circuit.rx(a, 2)
    circuit.cx(0, 2)
    check(circuit, an_observable(4), [0.4, 1.3], engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_arrays_of_values_and_of_observables(engine):
    circuit = efficient_su2(3, reps=1)
    rng = np.random.default_rng(2)
    values = rng.uniform(-1, 1, (2, 3, circuit.num_parameters))
    observables = [[an_observable(3, seed) for seed in (1, 2)], [an_observable(3, 3), "ZZZ"]]
    found = value_and_gradient(engine, circuit, observables, values)
    assert found.values.shape == (2, 3, 2, 2)
    assert found.gradients.shape == (2, 3, 2, 2, circuit.num_parameters)
    wanted = qiskits_gradient(circuit, observables[1][0], values[1, 2])
    np.testing.assert_allclose(found.gradients[1, 2, 1, 0], wanted, rtol=0, atol=1e-9)
    np.testing.assert_array_equal(jacobian(engine, circuit, observables, values), found.gradients)


def test_the_points_of_a_batch_are_those_of_runs_one_by_one():
    circuit = efficient_su2(4, reps=2)
    values = np.random.default_rng(3).uniform(-1, 1, (50, circuit.num_parameters))
    observable = an_observable(4)
    together = value_and_gradient("numpy", circuit, observable, values)
    for number in (0, 17, 49):
        alone = value_and_gradient("numpy", circuit, observable, values[number])
        np.testing.assert_allclose(together.values[number], alone.values, atol=1e-13)
        np.testing.assert_allclose(together.gradients[number], alone.gradients, atol=1e-13)


def test_values_by_name_and_circuits_without_parameters():
    a, b = Parameter("a"), Parameter("b")
    circuit = QuantumCircuit(1)
    circuit.ry(b, 0)
    circuit.rx(a, 0)
    found = value_and_gradient("numpy", circuit, "Z", {b: 0.3, a: 0.2})
    assert found.gradients.tolist() == pytest.approx(
        [-np.cos(0.3) * np.sin(0.2), -np.sin(0.3) * np.cos(0.2)]
    )
    circuit = QuantumCircuit(2)
    circuit.h(0)
    found = value_and_gradient("numpy", circuit, ["XI", "IX"])
    assert found.values.tolist() == pytest.approx([0, 1])
    assert found.gradients.shape == (2, 0)
    empty = value_and_gradient("numpy", efficient_su2(2), "ZZ", np.zeros((0, 16)))
    assert empty.values.shape == (0,)
    assert empty.gradients.shape == (0, 16)


def test_single_precision():
    circuit = efficient_su2(4, reps=1)
    values = np.random.default_rng(4).uniform(-1, 1, circuit.num_parameters)
    observable = an_observable(4)
    found = value_and_gradient("numpy", circuit, observable, values, precision="single")
    wanted = qiskits_gradient(circuit, observable, values)
    np.testing.assert_allclose(found.gradients, wanted, atol=1e-5)
    assert np.abs(found.gradients - wanted).max() > 1e-9


@pytest.mark.parametrize("change", ["measure", "reset", "initialize", "if_else", "save"])
def test_circuits_of_more_than_gates_are_refused(change):
    a = Parameter("a")
    circuit = QuantumCircuit(2, 2)
    circuit.ry(a, 0)
    if change == "measure":
        circuit.measure(0, 0)
    elif change == "reset":
        circuit.reset(0)
    elif change == "if_else":
        with circuit.if_test((circuit.clbits[0], 1)):
            circuit.x(0)
    elif change == "save":
        circuit.save_statevector() if hasattr(circuit, "save_statevector") else circuit.reset(0)
    else:
        circuit.h(1)
        circuit.initialize([0, 1], 1)
    with pytest.raises(ProgramError, match="circuits of gates alone"):
        value_and_gradient("numpy", circuit, "ZZ", [0.1])


def test_a_prepared_state_is_a_beginning():
    a = Parameter("a")
    circuit = QuantumCircuit(2)
    circuit.ry(a, 0)
    circuit.prepare_state([0.6, 0.8j], 1)
    circuit.cry(a, 1, 0)
    check(circuit, an_observable(2), [0.4])


def test_wrong_arguments(tmp_path):
    circuit = efficient_su2(2, reps=1)
    with pytest.raises(ValueError, match="qubits"):
        value_and_gradient("numpy", circuit, "ZZZ", np.zeros(8))
    with pytest.raises(ValueError, match="inconsistent"):
        value_and_gradient("numpy", circuit, "ZZ", np.zeros(7))
    with pytest.raises(TypeError, match="QuantumCircuit"):
        value_and_gradient("numpy", "circuit", "ZZ", np.zeros(7))
    with pytest.raises(ProgramError, match=r"takes finite real values.*nan at point 1"):
        value_and_gradient("numpy", circuit, "ZZ", [np.zeros(8), np.full(8, np.nan)])
    with pytest.raises(TypeError, match="are complex"):
        value_and_gradient("numpy", circuit, "ZZ", np.zeros(8) * 1j)
    with pytest.raises(ValueError, match="Non-Hermitian"):
        value_and_gradient("numpy", circuit, SparsePauliOp("ZZ", 1j), np.zeros(8))
    with pytest.raises(TypeError, match="Simquay's engines"):
        value_and_gradient(3, circuit, "ZZ", np.zeros(8))


@pytest.mark.parametrize("pub", [3, (efficient_su2(2),), (efficient_su2(2), "ZZ", [], 0, 1)])
def test_what_is_no_pub(pub):
    with pytest.raises((TypeError, ValueError), match="pub 0"):
        gradient_job("numpy", [pub])


def test_a_pub_of_qiskit():
    circuit = efficient_su2(2, reps=1)
    pub = EstimatorPub.coerce((circuit, ["ZZ", "XI"], np.full((3, 1, 8), 0.3)))
    [found] = gradient_job("numpy", [pub]).result()
    wanted = value_and_gradient("numpy", circuit, ["ZZ", "XI"], np.full((3, 1, 8), 0.3))
    assert found.gradients.shape == (3, 1, 2, 8)
    np.testing.assert_array_equal(found.gradients, wanted.gradients)


def test_a_job_with_memory_and_metadata():
    circuit = efficient_su2(2, reps=1)
    job = gradient_job(
        "numpy",
        [(circuit, "ZZ", np.zeros(8)), (circuit, ["XX", "IZ"], np.zeros((3, 8)))],
        metadata={"mine": 1},
    )
    first, second = job.result()
    assert first.values == pytest.approx(1)
    assert second.gradients.shape == (3, 2, 8)
    assert job.metadata["mine"] == 1
    assert job.metadata["engine"] == "numpy"
    circuit = efficient_su2(20, reps=1)
    values = np.zeros(circuit.num_parameters)
    with pytest.raises(JobFailedError, match="max_memory_mb allows"):
        value_and_gradient("numpy", circuit, "Z" * 20, values, max_memory_mb=8)


def test_short_gradients_need_no_thread_and_fail_as_jobs_do(monkeypatch):
    circuit = efficient_su2(3, reps=1)
    values = np.linspace(0, 1, circuit.num_parameters)
    [wanted] = gradient_job("numba", [(circuit, "ZZX", values)]).result()

    def refused(self, *arguments):
        raise AssertionError("a task was launched")

    monkeypatch.setattr(WorkerPool, "launch", refused)
    found = value_and_gradient("numba", circuit, "ZZX", values)
    np.testing.assert_array_equal(found.gradients, wanted.gradients)
    with pytest.raises(JobFailedError, match="max_memory_mb allows"):
        value_and_gradient("numba", circuit, "ZZX", values, max_memory_mb=1e-5)
    for case in ({"max_circuits_per_task": 1}, {}):
        points = np.array([values, values])
        with pytest.raises(JobFailedError, match="a task was launched"):
            value_and_gradient("numba", circuit, "ZZX", points, **case)


def test_an_expression_without_a_finite_derivative():
    a = Parameter("a")
    circuit = QuantumCircuit(1)
    circuit.rx(a**0.5, 0)
    with pytest.raises((ProgramError, JobFailedError), match="no finite real"):
        value_and_gradient("numpy", circuit, "Z", [0.0])
    b = Parameter("b")
    circuit = QuantumCircuit(1)
    circuit.rx(b.abs(), 0)
    check(circuit, SparsePauliOp("Z"), [-0.3])
