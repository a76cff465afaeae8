"""Counts of noisy circuits beside their exact distribution, by chi-square tests.

Seeds are fixed. A right simulator fails a test of one distribution with probability 1e-6
(``LEAST``), so one of those here, some 60 without the long ones, once in 15,000 choices of seeds.
One engine is enough: ``test_noise_addresses.py`` shows that the others have the same counts.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Instruction
from qiskit_aer.noise import NoiseModel, ReadoutError, depolarizing_error

from simquay.engines.numpy.engine import DenseEngine
from simquay.simulators.engine.backend import EngineBackend
from tests.support.noise_models import KINDS, random_circuit, random_dynamic, random_model
from tests.support.noisy_states import Table, chi_square, distribution

LEAST = 1e-6


def many(first: int, end: int) -> list[Any]:
    """Seeds of tests that take minutes."""
    return [pytest.param(seed, marks=pytest.mark.long) for seed in range(first, end)]


@pytest.fixture(scope="module")
def numpy() -> EngineBackend:
    return EngineBackend(DenseEngine(), name="numpy")


def counts(backend: EngineBackend, circuit: QuantumCircuit, **options: Any) -> dict[int, int]:
    result = backend.run(circuit, **options).result()
    return {int(key.replace(" ", ""), 2): many for key, many in result.get_counts().items()}


def check(
    backend: EngineBackend, circuit: QuantumCircuit, model: Any, table: Table, **options: Any
) -> None:
    options = {"shots": 1500, "seed_simulator": 17} | options
    found = counts(backend, circuit, noise_model=model, **options)
    assert sum(found.values()) == options["shots"]
    assert chi_square(found, distribution(circuit, table)) > LEAST


@pytest.mark.parametrize("method", ["trajectories", "density_matrix"])
@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_error(numpy: EngineBackend, kind: str, method: str) -> None:
    random = np.random.default_rng(list(KINDS).index(kind))
    model, table = random_model(random, 3, [kind])
    circuit = random_circuit(random, 3, 25, channels=False)
    circuit.measure_all()
    check(numpy, circuit, model, table, method=method)


@pytest.mark.parametrize("method", ["automatic", "trajectories", "density_matrix"])
@pytest.mark.parametrize("seed", [*range(4), *many(4, 100)])
def test_all_kinds_together(numpy: EngineBackend, seed: int, method: str) -> None:
    random = np.random.default_rng(100 + seed)
    size = 2 + seed % 5
    model, table = random_model(random, size)
    circuit = random_circuit(random, size, 12 + 3 * size)
    circuit.measure_all()
    check(numpy, circuit, model, table, method=method)


@pytest.mark.parametrize("precision", ["single", "double"])
@pytest.mark.parametrize("seed", [*range(5), *many(5, 200)])
def test_dynamic_circuits(numpy: EngineBackend, seed: int, precision: str) -> None:
    random = np.random.default_rng(200 + seed)
    size = 2 + seed % 3
    model, table = random_model(random, size)
    circuit = random_dynamic(random, size, 3, 9)
    check(numpy, circuit, model, table, precision=precision)


@pytest.mark.parametrize("seed", range(3))
def test_measurements_of_some_qubits_in_another_order(numpy: EngineBackend, seed: int) -> None:
    random = np.random.default_rng(300 + seed)
    model, table = random_model(random, 5)
    circuit = random_circuit(random, 5, 20)
    measured = QuantumCircuit(5, 4)
    measured.compose(circuit, inplace=True)
    # Channels and gates behind measurements, and a bit that is written twice.
    measured.measure([3, 1], [0, 2])
    measured.compose(random_circuit(random, 5, 4), inplace=True)
    measured.measure([4, 3, 1], [1, 3, 1])
    check(numpy, measured, model, table)


@pytest.mark.parametrize("method", ["trajectories", "density_matrix"])
def test_readout_errors_of_several_qubits(numpy: EngineBackend, method: str) -> None:
    """They are those of an instruction that measures several, as Aer's tests have it."""
    rows = np.random.default_rng(5).dirichlet(np.ones(4), 4)
    model = NoiseModel()
    model.add_readout_error(ReadoutError(rows), [2, 0])
    model.add_all_qubit_quantum_error(depolarizing_error(0.1, 1), "h")
    circuit = QuantumCircuit(3, 3)
    circuit.h(0)
    circuit.ry(0.7, 2)
    circuit.cx(0, 2)
    circuit.append(Instruction("measure", 2, 2, []), [2, 0], [1, 2])
    circuit.measure(1, 0)
    table = Table({("h", None): depolarizing_error(0.1, 1)})
    ideal = distribution(circuit_with_two(circuit), table)
    expected = {
        recorded << 1: sum(ideal.get(true << 1, 0) * rows[true, recorded] for true in range(4))
        for recorded in range(4)
    }
    found = counts(numpy, circuit, noise_model=model, method=method, shots=1500, seed_simulator=3)
    assert chi_square(found, expected) > LEAST


def circuit_with_two(circuit: QuantumCircuit) -> QuantumCircuit:
    """The circuit with a measurement of one qubit after the other."""
    single = circuit.copy_empty_like()
    for item in circuit.data:
        for qubit, clbit in zip(item.qubits, item.clbits, strict=False):
            single.measure(qubit, clbit)
        if not item.clbits:
            single.append(item)
    return single


@pytest.mark.parametrize("method", ["trajectories", "density_matrix"])
def test_rare_errors(numpy: EngineBackend, method: str) -> None:
    model, table = NoiseModel(), Table()
    for name, error in (("u", depolarizing_error(2e-3, 1)), ("cx", depolarizing_error(1e-2, 2))):
        model.add_all_qubit_quantum_error(error, name)
        table.quantum[name, None] = error
    random = np.random.default_rng(1)
    circuit = QuantumCircuit(4)
    for _ in range(10):
        for qubit in range(4):
            circuit.u(*random.uniform(0, 1, 3), qubit)
        for qubit in range(3):
            circuit.cx(qubit, qubit + 1)
    circuit.measure_all()
    check(numpy, circuit, model, table, method=method, shots=20_000)


@pytest.mark.parametrize("method", ["trajectories", "density_matrix"])
def test_idle_qubits_of_a_wide_device_cost_nothing(numpy: EngineBackend, method: str) -> None:
    random = np.random.default_rng(2)
    _, table = random_model(random, 4)
    narrow = random_circuit(random, 4, 20, channels=False)
    narrow.measure_all()
    where = [90, 3, 41, 77]
    wide = QuantumCircuit(127, 4)
    wide.compose(narrow.remove_final_measurements(inplace=False), where, inplace=True)
    wide.measure(where, range(4))
    # The model's local errors are those of qubits 0 to 3: here they do not count.
    table.quantum = {key: error for key, error in table.quantum.items() if key[1] is None}
    table.readout = {None: table.readout[None]}
    moved = NoiseModel()
    for (name, _), error in table.quantum.items():
        moved.add_all_qubit_quantum_error(error, name)
    moved.add_all_qubit_readout_error(ReadoutError(table.readout[None]))
    found = counts(numpy, wide, noise_model=moved, method=method, shots=1500, max_memory_mb=64)
    assert chi_square(found, distribution(narrow, table)) > LEAST


@pytest.mark.parametrize("method", ["trajectories", "density_matrix"])
def test_local_errors_are_those_of_the_outermost_qubits(numpy: EngineBackend, method: str) -> None:
    random = np.random.default_rng(3)
    model, table = random_model(random, 4)
    inner = random_circuit(random, 2, 12, channels=False)
    circuit = QuantumCircuit(4)
    circuit.append(inner.to_instruction(), [2, 1])
    circuit.append(inner.to_instruction(), [0, 3])
    circuit.measure_all()
    check(numpy, circuit, model, table, method=method)


@pytest.mark.parametrize("method", ["trajectories", "density_matrix"])
def test_every_set_of_values_has_its_noise(numpy: EngineBackend, method: str) -> None:
    from qiskit.circuit import Parameter

    random = np.random.default_rng(4)
    model, table = random_model(random, 3)
    angle, other = Parameter("a"), Parameter("b")
    circuit = QuantumCircuit(3)
    circuit.u(angle, 0.3, other, 0)
    circuit.cx(0, 1)
    circuit.rzz(other, 1, 2)
    circuit.u(2 * angle, other, 1.0, 2)
    circuit.measure_all()
    values = {angle: [0.3, 2.0, -1.1], other: [1.0, 0.2, 0.7]}
    result = numpy.run(
        circuit,
        parameter_binds=[values],
        noise_model=model,
        method=method,
        shots=1500,
        seed_simulator=5,
    ).result()
    for place in range(3):
        bound = circuit.assign_parameters({one: many[place] for one, many in values.items()})
        found = {int(key, 2): many for key, many in result.get_counts(place).items()}
        assert chi_square(found, distribution(bound, table)) > LEAST
