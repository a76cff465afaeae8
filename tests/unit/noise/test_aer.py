"""Aer's noise models: the errors of each instruction are those that Aer applies.

The oracle is Aer: the final density matrix of a circuit with the same model.
"""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from qiskit import QuantumCircuit, transpile
from qiskit.circuit import Delay, Instruction, Parameter
from qiskit.circuit.library import IGate, RXGate, UnitaryGate, XGate
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit.quantum_info import DensityMatrix, Kraus, random_quantum_channel, random_unitary
from qiskit_aer import AerSimulator
from qiskit_aer.noise import (
    LocalNoisePass,
    NoiseModel,
    PauliLindbladError,
    ReadoutError,
    RelaxationNoisePass,
    amplitude_damping_error,
    depolarizing_error,
    kraus_error,
    pauli_error,
    phase_damping_error,
    thermal_relaxation_error,
)

from simquay.errors import NoiseModelError
from simquay.noise.aer import AerModel
from simquay.noise.reading import noise_of
from tests.support.channels import placed_superop

NUM_QUBITS = 3


def circuit() -> QuantumCircuit:
    """Each instruction has states that its errors change."""
    made = QuantumCircuit(NUM_QUBITS)
    made.append(UnitaryGate(random_unitary(8, seed=1), label="start"), [0, 1, 2])
    made.x(0)
    made.append(XGate(label="mine"), [1])
    made.cx(0, 1)
    made.cx(2, 1)
    made.barrier()
    made.append(UnitaryGate(random_unitary(4, seed=2), label="mine"), [2, 0])
    made.unitary(random_unitary(2, seed=3), [1])
    made.id(1)
    made.reset(2)
    made.rx(0.3, 2)
    made.delay(1000, 0, unit="ns")
    made.append(Kraus(random_quantum_channel(2, seed=4)).to_instruction(), [1])
    made.ccx(2, 0, 1)
    return made


def by_aer(model: NoiseModel, ideal: QuantumCircuit) -> np.ndarray[Any, Any]:
    saved = ideal.copy()
    saved.save_density_matrix()
    backend = AerSimulator(method="density_matrix", noise_model=model)
    return np.asarray(backend.run(saved).result().data()["density_matrix"])


def by_errors(model: Any, ideal: QuantumCircuit) -> np.ndarray[Any, Any]:
    """The final density matrix with the errors of ``model`` put beside each instruction."""
    state = DensityMatrix.from_label("0" * ideal.num_qubits)
    prepared = model.prepared(ideal)
    for item in prepared.data:
        qubits = tuple(prepared.find_bit(qubit).index for qubit in item.qubits)
        errors = model.errors(item.operation.name, item.operation.label, qubits)
        before, after = (errors.before, errors.after) if errors else ((), ())
        if item.operation.name == "delay" and model.relaxes:
            assert item.operation.unit == "ns"
            mixture = model.relaxation(qubits[0], item.operation.duration * 1e-9)
            after = (*after, *([] if mixture is None else [(mixture, (0,))]))
        state = state.evolve(placed_superop(before, len(qubits)), list(qubits))
        if item.operation.name == "reset":
            state = state.reset(list(qubits))
        elif item.operation.name not in ("barrier", "delay"):
            state = state.evolve(item.operation, list(qubits))
        state = state.evolve(placed_superop(after, len(qubits)), list(qubits))
    return np.asarray(state.data)


FLIP = pauli_error([("X", 0.2), ("I", 0.8)])
DEVICE = depolarizing_error(0.05, 2).compose(
    thermal_relaxation_error(1.0, 0.5, 0.1).tensor(thermal_relaxation_error(1.0, 1.7, 0.1))
)


def of_names(model: NoiseModel) -> None:
    model.add_all_qubit_quantum_error(FLIP, ["x", "id", "reset", "delay", "unitary", "rx"])
    model.add_all_qubit_quantum_error(DEVICE, "cx")


def of_labels(model: NoiseModel) -> None:
    model.add_all_qubit_quantum_error(amplitude_damping_error(0.3), ["mine", "start"])
    model.add_all_qubit_quantum_error(FLIP, [XGate(label="mine"), "x"])


def of_qubits(model: NoiseModel) -> None:
    model.add_all_qubit_quantum_error(FLIP, ["x", "unitary"])
    model.add_quantum_error(amplitude_damping_error(0.3), "x", [0])
    model.add_quantum_error(phase_damping_error(0.3), "mine", [1])
    model.add_quantum_error(DEVICE, "cx", [2, 1])
    model.add_quantum_error(DEVICE, "cx", [1, 0])
    model.add_all_qubit_quantum_error(depolarizing_error(0.1, 2), "cx")


def of_few_qubits(model: NoiseModel) -> None:
    model.add_all_qubit_quantum_error(FLIP.tensor(amplitude_damping_error(0.3)), "start")
    model.add_all_qubit_quantum_error(depolarizing_error(0.2, 3), "ccx")


def of_added_errors(model: NoiseModel) -> None:
    model.add_all_qubit_quantum_error(FLIP, "x")
    model.add_all_qubit_quantum_error(
        kraus_error(Kraus(random_quantum_channel(2, seed=5)).data), "x"
    )
    model.add_all_qubit_quantum_error(
        PauliLindbladError(["XX", "ZI", "IY"], [0.1, 0.2, 0.05]), "cx"
    )


def of_channels(model: NoiseModel) -> None:
    model.add_all_qubit_quantum_error(FLIP, ["kraus", "barrier", "superop", "quantum_channel", "x"])


MODELS = [of_names, of_labels, of_qubits, of_few_qubits, of_added_errors, of_channels]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("add", MODELS, ids=lambda add: add.__name__)
def test_errors_are_those_that_aer_applies(add: Callable[[NoiseModel], None]) -> None:
    model = NoiseModel()
    add(model)
    expected = by_aer(model, circuit())
    as_json = json.loads(json.dumps(model.to_dict(serializable=True)))
    for value in (model, model.to_dict(), as_json):
        read = noise_of(value)
        assert read.names == {*model.noise_instructions} - {
            "barrier",
            "kraus",
            "superop",
            "quantum_channel",
        }
        assert abs(by_errors(read, circuit()) - expected).max() < 1e-10
    assert abs(by_aer(NoiseModel(), circuit()) - expected).max() > 1e-3


def test_errors_of_a_measurement_are_before_it() -> None:
    model = NoiseModel()
    model.add_all_qubit_quantum_error(FLIP, "measure")
    model.add_all_qubit_readout_error([[0.9, 0.1], [0.2, 0.8]])
    errors = noise_of(model).errors("measure", None, (2,))
    assert errors is not None
    assert [places for _, places in errors.before] == [(0,)]
    assert errors.after == ()
    assert errors.misread is not None
    assert np.allclose(errors.misread, [[0.9, 0.1], [0.2, 0.8]], rtol=0, atol=1e-15)
    twice = QuantumCircuit(1, 2)
    twice.measure(0, 0)
    twice.measure(0, 1)
    certain = NoiseModel()
    certain.add_all_qubit_quantum_error(pauli_error([("X", 1.0)]), "measure")
    backend = AerSimulator(noise_model=certain)
    assert backend.run(twice, shots=10).result().get_counts() == {"01": 10}


def test_readout_errors_are_of_qubits_or_of_all() -> None:
    model = NoiseModel()
    flip, half = [[0.0, 1.0], [1.0, 0.0]], [[0.5, 0.5], [0.5, 0.5]]
    both = np.roll(np.eye(4), 1, axis=1)
    model.add_all_qubit_readout_error(half, warnings=False)
    model.add_readout_error(flip, [1], warnings=False)
    model.add_readout_error(ReadoutError(both), [0, 1], warnings=False)
    read = noise_of(model)
    assert read.names == {"measure"}
    tables: list[tuple[tuple[int, ...], Any]] = [((0,), half), ((1,), flip), ((0, 1), both)]
    for qubits, expected in tables:
        errors = read.errors("measure", None, qubits)
        assert errors is not None
        assert errors.misread is not None
        assert not errors.misread.flags.writeable
        assert np.array_equal(errors.misread, expected)
    assert read.errors("measure", None, (1, 0)) is None
    assert read.errors("x", None, (0,)) is None
    measured = QuantumCircuit(2, 2)
    measured.append(Instruction("measure", 2, 2, []), [0, 1], [0, 1])
    counts = AerSimulator(noise_model=model).run(measured, shots=10).result().get_counts()
    assert counts == {"01": 10}  # the row of 0 has its 1 in the column of 1: bit 0 is qubit 0's


def test_equal_errors_are_one_object() -> None:
    model = NoiseModel()
    model.add_all_qubit_quantum_error(FLIP, ["x", "y"])
    for qubit in range(2):
        model.add_quantum_error(pauli_error([("X", 0.2), ("I", 0.8)]), "z", [qubit])
    read = noise_of(model)
    found = {id(read.errors(name, None, (qubit,))) for name in "xyz" for qubit in range(2)}
    assert len(found) == 1
    assert read.errors("x", "", (0,)) is read.errors("x", None, (0,))


@pytest.mark.parametrize("temperature", [0, 50])
def test_the_noise_of_a_device_is_that_of_aer(temperature: float) -> None:
    device = GenericBackendV2(NUM_QUBITS, seed=5)
    model = NoiseModel.from_backend(device, temperature=temperature)
    ideal = QuantumCircuit(NUM_QUBITS)
    ideal.unitary(random_unitary(8, seed=1), [0, 1, 2])
    ideal = transpile(ideal, device, seed_transpiler=1)
    for qubit in range(NUM_QUBITS):
        ideal.delay(20_000, qubit, unit="ns")
    expected = by_aer(model, ideal)
    read = noise_of(model)
    assert read.relaxes
    assert read.prepared(ideal) is ideal
    assert abs(by_errors(read, ideal) - expected).max() < 1e-9
    assert abs(by_errors(noise_of(model.to_dict()), ideal) - expected).max() > 1e-3  # no passes
    assert read.relaxation(NUM_QUBITS, 1.0) is None
    assert read.relaxation(0, 0.0) is None


def damped(operation: Instruction, qubits: list[int]) -> Any:
    return amplitude_damping_error(operation.params[0] / (2 + qubits[0]))


@pytest.mark.parametrize("method", ["append", "prepend", "replace"])
def test_custom_passes_change_the_circuit(method: str) -> None:
    model = NoiseModel()
    model.add_all_qubit_quantum_error(FLIP, "x")
    model._custom_noise_passes = [LocalNoisePass(damped, RXGate, method)]
    expected = by_aer(model, circuit())
    read = noise_of(model)
    prepared = read.prepared(circuit())
    assert prepared.count_ops()["quantum_channel"] == 1
    assert abs(by_errors(read, circuit()) - expected).max() < 1e-10
    without = QuantumCircuit(2)
    without.x(0)
    assert read.prepared(without) is without


def test_a_model_of_passes_alone_is_not_ideal() -> None:
    assert noise_of(NoiseModel()).is_ideal
    for one in (
        LocalNoisePass(damped, RXGate),
        RelaxationNoisePass([1e-4], [1e-4], dt=1e-9, op_types=Delay),
    ):
        model = NoiseModel()
        model._custom_noise_passes = [one]
        read = noise_of(model)
        assert read.names == frozenset()
        assert not read.is_ideal


def test_a_pass_that_refuses_a_circuit_is_one_clear_error() -> None:
    model = NoiseModel()
    model._custom_noise_passes = [LocalNoisePass(lambda *_: 3, RXGate)]
    with pytest.raises(NoiseModelError, match=r"A pass of the noise model fails: .*to_instruction"):
        noise_of(model).prepared(circuit())
    model._custom_noise_passes = [LocalNoisePass(damped, RXGate)]
    unbound = QuantumCircuit(1)
    unbound.rx(Parameter("a"), 0)
    with pytest.raises(NoiseModelError, match="A pass of the noise model fails: "):
        noise_of(model).prepared(unbound)


def test_a_changed_model_is_read_again() -> None:
    model = NoiseModel()
    changes: list[Callable[[], object]] = [
        lambda: model.add_all_qubit_quantum_error(FLIP, "x"),
        lambda: model.add_all_qubit_quantum_error(FLIP, "x", warnings=False),
        lambda: model.add_quantum_error(FLIP, "x", [1], warnings=False),
        lambda: model.add_all_qubit_readout_error([[0.9, 0.1], [0.1, 0.9]]),
        lambda: model._custom_noise_passes.append(LocalNoisePass(damped)),
    ]
    read = [noise_of(model)]
    for change in changes:
        change()
        assert noise_of(model) is not read[-1]
        read.append(noise_of(model))
        assert noise_of(model) is read[-1]
    dictionary = model.to_dict(serializable=True)
    first = noise_of(dictionary)
    assert noise_of(dictionary) is first
    dictionary["errors"][0]["probabilities"] = [0.4, 0.6]
    assert noise_of(dictionary) is not first


def test_an_error_on_more_qubits_than_the_instruction_is_refused() -> None:
    model = NoiseModel()
    model.add_all_qubit_quantum_error(DEVICE, "mine")
    read = noise_of(model)
    for _ in range(2):
        with pytest.raises(NoiseModelError, match=r"'mine' acts on 2 qubits, but .* on 1"):
            read.errors("unitary", "mine", (0,))
    assert read.errors("unitary", "mine", (0, 1)) is not None


def test_only_the_errors_that_a_circuit_has_are_read() -> None:
    wrong = {"type": "qerror", "operations": ["y"], "instructions": [[]], "probabilities": [2.0]}
    model = NoiseModel()
    model.add_all_qubit_quantum_error(FLIP, "x")
    read = AerModel({"errors": [*model.to_dict()["errors"], wrong]})
    assert read.errors("x", None, (0,)) is not None
    with pytest.raises(NoiseModelError, match=r"of the error of 'y' .*within 0 and 1"):
        read.errors("y", None, (0,))


def test_one_name_is_not_its_letters() -> None:
    assert AerModel({"errors": [QUANTUM | {"operations": "cx"}]}).names == {"cx"}


READOUT: dict[str, Any] = {"type": "roerror", "operations": ["measure"], "gate_qubits": [[0]]}
QUANTUM: dict[str, Any] = {
    "type": "qerror",
    "operations": ["x"],
    "instructions": [[{"name": "x", "qubits": [0]}]],
    "probabilities": [1.0],
}


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ({}, "KeyError: 'errors'"),
        ({"errors": 3}, "TypeError"),
        ({"errors": [3]}, "AttributeError"),
        ({"errors": [{}]}, "KeyError: 'type'"),
        ({"errors": [{"type": "other"}]}, "type 'other'"),
        ({"errors": [QUANTUM | {"operations": 3}]}, "TypeError"),
        ({"errors": [QUANTUM | {"gate_qubits": 3}]}, "TypeError"),
        ({"errors": [QUANTUM | {"gate_qubits": [["a"]]}]}, "ValueError"),
        ({"errors": [READOUT]}, "KeyError: 'probabilities'"),
        ({"errors": [READOUT | {"probabilities": np.eye(4)}]}, r"of \(0,\) has the shape \(4, 4\)"),
        ({"errors": [READOUT | {"probabilities": [1.0, 0.0]}]}, r"has the shape \(2,\)"),
        ({"errors": [READOUT | {"probabilities": [[1], [0, 1]]}]}, "no array of numbers"),
        ({"errors": [READOUT | {"probabilities": []}]}, "no array of numbers"),
        ({"errors": [READOUT | {"probabilities": [[0.9, 0.2], [0, 1]]}]}, "it must be 1"),
        ({"errors": [READOUT | {"probabilities": [[1.1, -0.1], [0, 1]]}]}, "within 0 and 1"),
        ({"errors": [READOUT | {"probabilities": [[math.nan, 1], [0, 1]]}]}, "within 0 and 1"),
        (
            {"errors": [READOUT | {"probabilities": np.eye(4), "gate_qubits": None}]},
            r"a readout error has the shape \(4, 4\); expected \(2, 2\)",
        ),
    ],
)
def test_what_is_no_description_is_one_clear_error(description: Any, message: str) -> None:
    with pytest.raises(NoiseModelError, match=message):
        noise_of(copy.deepcopy(description))


def test_errors_that_do_nothing_are_none() -> None:
    nothing = QUANTUM | {"instructions": [[{"name": "id", "qubits": [0]}]]}
    assert AerModel({"errors": [nothing]}).errors("x", None, (0,)) is None
    assert AerModel({"errors": [QUANTUM]}).errors(IGate().name, None, (0,)) is None


def test_an_error_without_instructions_is_one_clear_error() -> None:
    error = {"type": "qerror", "operations": ["x"], "probabilities": [1.0]}
    with pytest.raises(NoiseModelError, match="the error of 'x' cannot be read"):
        noise_of({"errors": [error]}).errors("x", None, (0,))
