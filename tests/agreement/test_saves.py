"""Aer's save and set instructions: Simquay's engines beside Aer itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp, random_statevector, random_unitary
from qiskit_aer import AerSimulator
from qiskit_aer import library as aer

import simquay

OPERATOR = SparsePauliOp.from_list([("ZX", 1.5), ("YI", -2.0), ("XX", 0.7), ("II", 0.1)])
QUBITS = [2, 0]
EVERY = [0, 1, 2]

SAVES: Mapping[str, tuple[Any, tuple[Any, ...], list[int]]] = {
    "statevector": (aer.SaveStatevector, (3,), EVERY),
    "statevector_dict": (aer.SaveStatevectorDict, (3,), EVERY),
    "amplitudes": (aer.SaveAmplitudes, (3, [3, 0, 7]), EVERY),
    "amplitudes_squared": (aer.SaveAmplitudesSquared, (3, [3, 0, 7]), EVERY),
    "probabilities": (aer.SaveProbabilities, (2,), QUBITS),
    "probabilities_dict": (aer.SaveProbabilitiesDict, (2,), QUBITS),
    "density_matrix": (aer.SaveDensityMatrix, (2,), QUBITS),
    "expectation_value": (aer.SaveExpectationValue, (OPERATOR,), QUBITS),
    "expectation_value_variance": (aer.SaveExpectationValueVariance, (OPERATOR,), QUBITS),
}
"""By Aer's default label: the class of the instruction, its arguments, and its qubits."""

AVERAGED = [name for name in SAVES if name.split("_")[0] not in ("statevector", "amplitudes")]
AVERAGED.append("amplitudes_squared")

FORMS: list[dict[str, bool]] = [
    {},
    {"pershot": True},
    {"conditional": True},
    {"pershot": True, "conditional": True},
]

SEEDS = [3, 14, 15]


@pytest.fixture(params=["reference", "numpy", "numba"])
def backend(request: pytest.FixtureRequest) -> Any:
    if request.param == "numba":
        pytest.importorskip("simquay_numba", reason="Numba is optional: numpy is tested then")
    return simquay.get_backend(request.param)


def start(seed: int) -> QuantumCircuit:
    """A random state of three qubits."""
    circuit = QuantumCircuit(3, 2)
    circuit.unitary(random_unitary(8, seed=seed), EVERY)
    return circuit


def save(circuit: QuantumCircuit, name: str, **options: Any) -> None:
    instruction, arguments, qubits = SAVES[name]
    circuit.append(instruction(*arguments, **{"label": name, **options}), qubits)


def data(backend: Any, circuit: QuantumCircuit, **options: Any) -> dict[str, Any]:
    found: dict[str, Any] = backend.run(circuit, seed_simulator=7, **options).result().data(0)
    return found


def aers(circuit: QuantumCircuit, shots: int = 60, **options: Any) -> dict[str, Any]:
    return data(AerSimulator(method="statevector"), circuit, shots=shots, **options)


def assert_same(found: Any, expected: Any, tolerance: float = 1e-9) -> None:
    """That both are of one form, with numbers of one type that are equal within the tolerance."""
    assert type(found).__name__ == type(expected).__name__
    if isinstance(found, dict):
        assert found.keys() == expected.keys()
        for key in found:
            assert_same(found[key], expected[key], tolerance)
    elif isinstance(found, list):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_same(one, other, tolerance)
    else:
        left, right = np.asarray(found), np.asarray(expected)
        assert (left.dtype, left.shape) == (right.dtype, right.shape)
        np.testing.assert_allclose(left, right, rtol=0, atol=tolerance)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("options", FORMS, ids=lambda options: "-".join(options) or "one")
def test_one_state(backend: Any, options: dict[str, bool], seed: int) -> None:
    circuit = start(seed)
    for name in SAVES:
        save(circuit, name, **options)
    for name in AVERAGED:
        if "pershot" not in options:
            save(circuit, name, label=f"{name}_sum", unnormalized=True, **options)
    circuit.h(0)
    circuit.measure([0, 1], [0, 1])
    found, expected = data(backend, circuit, shots=60), aers(circuit)
    del found["counts"], expected["counts"]
    assert len(found) >= len(SAVES)
    assert_same(found, expected)


@pytest.mark.parametrize("seed", SEEDS)
def test_single_precision(backend: Any, seed: int) -> None:
    circuit = start(seed)
    names = [name for name in SAVES if not name.endswith("_dict")]  # rounding may be an entry
    for name in names:
        save(circuit, name)
    found = data(backend, circuit, precision="single")
    expected = aers(circuit, precision="single")
    expected.pop("counts", None)
    assert_same(found, expected, 1e-5)


def measured(seed: int) -> QuantumCircuit:
    """Its states depend on two measurements in the middle, whose outcomes stay in the bits."""
    circuit = start(seed)
    circuit.measure(0, 1)
    circuit.ry(0.7, 0)
    circuit.cx(0, 2)
    circuit.measure(2, 0)
    circuit.rx(0.4, 2)
    return circuit


@pytest.mark.parametrize("name", SAVES)
def test_states_after_measurements(backend: Any, name: str) -> None:
    circuit = measured(seed=5)
    save(circuit, name, label="each", pershot=True)
    save(circuit, name, label="by_bits", conditional=True)
    save(circuit, name, label="both", pershot=True, conditional=True)
    if name in AVERAGED:
        save(circuit, name, label="mean")
        save(circuit, name, label="sum", unnormalized=True)
        save(circuit, name, label="sum_by_bits", unnormalized=True, conditional=True)
    circuit.h([0, 1, 2])
    shots = 60
    found = data(backend, circuit, shots=shots, memory=True)
    expected = aers(circuit, shots=500)["by_bits"]
    counts, memory = found["counts"], found["memory"]
    assert len(counts) == 4
    assert expected.keys() == counts.keys()
    assert_same(found["by_bits"], expected)
    listed = [expected[bits] for bits in memory]
    by_bits = {bits: [expected[bits]] * count for bits, count in counts.items()}
    if name == "expectation_value":
        assert_same(found["each"], np.array(listed))
        assert_same(found["both"], {bits: np.array(one) for bits, one in by_bits.items()})
    else:
        assert_same(found["each"], listed)
        assert_same(found["both"], by_bits)
    if name in AVERAGED and name != "probabilities_dict":
        total = sum(np.asarray(expected[bits]) * count for bits, count in counts.items())
        np.testing.assert_allclose(np.asarray(found["sum"]), total, atol=1e-9)
        np.testing.assert_allclose(np.asarray(found["mean"]), total / shots, atol=1e-9)
        for bits, count in counts.items():
            of_bits = np.asarray(expected[bits]) * count
            np.testing.assert_allclose(np.asarray(found["sum_by_bits"][bits]), of_bits, atol=1e-9)


@pytest.mark.parametrize("most", [1, 7, 59])
def test_shots_that_run_apart_are_joined(backend: Any, most: int) -> None:
    circuit = measured(seed=8)
    for name in SAVES:
        save(circuit, name, conditional=True)
        save(circuit, name, label=f"{name}_each", pershot=True)
        save(circuit, name, label=f"{name}_both", pershot=True, conditional=True)
        if name in AVERAGED:
            save(circuit, name, label=f"{name}_mean")
            save(circuit, name, label=f"{name}_sum", unnormalized=True)
    whole = data(backend, circuit, shots=60)
    job = backend.run(circuit, shots=60, seed_simulator=7, max_shots_per_task=most)
    assert len(job.result().metadata["tasks"]) > 1
    assert_same(job.result().data(0), whole)


def test_saves_where_some_shots_come(backend: Any) -> None:
    circuit = QuantumCircuit(3, 2)
    circuit.h(0)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.ry(0.4, 1)
        for name in SAVES:
            save(circuit, name, conditional=True)
        save(circuit, "expectation_value", label="each", pershot=True)
        save(circuit, "probabilities", label="mean")
    found, expected = data(backend, circuit, shots=60), aers(circuit)
    assert len(found.pop("each")) == found.pop("counts")["0x1"]
    del expected["each"], expected["counts"]
    assert_same(found, expected)


def test_saves_where_no_shot_comes(backend: Any) -> None:
    circuit = QuantumCircuit(3, 2)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        save(circuit, "probabilities")
    assert data(backend, circuit, shots=60).keys() == aers(circuit).keys() == {"counts"}


def test_saves_in_a_loop_come_in_the_order_of_shots(backend: Any) -> None:
    circuit = QuantumCircuit(3, 2)
    circuit.h(0)
    circuit.measure(0, 0)
    with circuit.while_loop((circuit.clbits[0], 0)):
        circuit.ry(0.2, 1)
        circuit.append(aer.SaveProbabilities(1, label="each", pershot=True), [1])
        circuit.append(aer.SaveProbabilities(1, label="mean"), [1])
        circuit.h(0)
        circuit.measure(0, 0)
    for found in (data(backend, circuit, shots=40), aers(circuit, 40)):
        turns = np.rint([np.arcsin(np.sqrt(one[1])) / 0.1 for one in found["each"]]).astype(int)
        assert len(turns) > 15
        begins = np.flatnonzero(turns == 1)
        assert 10 < len(begins) < 30
        for visits in np.split(turns, begins[1:]):
            assert visits.tolist() == list(range(1, len(visits) + 1))
        np.testing.assert_allclose(np.mean(found["each"], axis=0), found["mean"], atol=1e-9)


def test_resets_in_the_middle(backend: Any) -> None:
    circuit = start(seed=2)
    circuit.reset(0)
    for name in AVERAGED:
        save(circuit, name)
    circuit.measure(1, 0)
    shots = 20_000
    found, expected = data(backend, circuit, shots=shots), aers(circuit, shots=shots)
    for name in set(AVERAGED) - {"probabilities_dict", "expectation_value_variance"}:
        left, right = np.asarray(found[name]), np.asarray(expected[name])
        np.testing.assert_allclose(left, right, atol=10 / np.sqrt(shots))


@pytest.mark.parametrize("early", [True, False])
def test_a_state_that_is_set(backend: Any, early: bool) -> None:
    state = random_statevector(8, seed=9)
    circuit = start(seed=1)
    if not early:
        circuit.measure(0, 0)
        circuit.z(1)
    circuit.append(aer.SetStatevector(state), EVERY)
    circuit.ry(0.2, 1)
    for name in SAVES:
        save(circuit, name, conditional=True)
    circuit.measure(1, 1)
    found, expected = data(backend, circuit, shots=60), aers(circuit)
    del found["counts"], expected["counts"]
    assert_same(found, expected)


def test_keys_of_wide_memories_and_of_none(backend: Any) -> None:
    circuit = QuantumCircuit(3, 70)
    circuit.x(0)
    circuit.measure(0, 69)
    save(circuit, "probabilities", conditional=True)
    assert_same(data(backend, circuit), aers(circuit, shots=1024))
    circuit = QuantumCircuit(3)
    circuit.h(0)
    save(circuit, "probabilities", conditional=True)
    assert_same(data(backend, circuit), aers(circuit))


def test_small_entries_are_left_out_of_mappings(backend: Any) -> None:
    circuit = QuantumCircuit(3)
    circuit.ry(4e-10, 0)  # the amplitude counts, its square does not
    circuit.ry(1e-11, 1)
    circuit.ry(1e-4, 2)
    save(circuit, "statevector_dict")
    save(circuit, "probabilities_dict")
    found = data(backend, circuit)
    assert_same(found, aers(circuit))
    assert found["statevector_dict"].keys() == {"0x0", "0x1", "0x4"}
