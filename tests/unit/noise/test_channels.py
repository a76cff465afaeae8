"""Channels of Qiskit and Aer as mixtures: the same maps as by Qiskit, and one clear error each."""

from __future__ import annotations

import copy
import json
import math
from typing import Any

import numpy as np
import pytest
from qiskit import QuantumCircuit, quantum_info
from qiskit.circuit.library import CCXGate, CXGate, HGate, IGate, Reset, RXGate, UnitaryGate
from qiskit.quantum_info import (
    PTM,
    Chi,
    Choi,
    Kraus,
    Operator,
    Pauli,
    Stinespring,
    SuperOp,
    random_quantum_channel,
    random_unitary,
)
from qiskit_aer.noise import (
    PauliError,
    PauliLindbladError,
    QuantumError,
    amplitude_damping_error,
    coherent_unitary_error,
    depolarizing_error,
    kraus_error,
    mixed_unitary_error,
    pauli_error,
    reset_error,
    thermal_relaxation_error,
)

from simquay.errors import NoiseModelError
from simquay.noise.channels import placed_of
from tests.support.channels import check_mixture, placed_superop, superop

RANDOM = random_quantum_channel(4, seed=3)
SHORT = thermal_relaxation_error(1.0, 0.5, 0.01)
LONG = thermal_relaxation_error(1.0, 1.6, 0.02)

ERRORS: dict[str, Any] = {
    "depolarizing, 1": depolarizing_error(0.01, 1),
    "depolarizing, 2": depolarizing_error(0.01, 2),
    "depolarizing, 3": depolarizing_error(0.01, 3),
    "damping": amplitude_damping_error(0.1),
    "relaxation, T2 < T1": SHORT,
    "relaxation, T2 > T1": LONG,
    "noise of a device": depolarizing_error(0.01, 2).compose(SHORT.tensor(LONG)),
    "resets": reset_error(0.1, 0.05),
    "coherent": coherent_unitary_error(random_unitary(4, seed=1)),
    "unitary ones": mixed_unitary_error([(random_unitary(4, seed=2).data, 0.9), (np.eye(4), 0.1)]),
    "Pauli": pauli_error([("XYZ", 0.1), ("IZI", 0.2), ("III", 0.7)]),
    "PauliError": PauliError(["XX", "ZI", "II"], [0.1, 0.2, 0.7]),
    "PauliLindbladError": PauliLindbladError(["XXI", "ZII", "IZI", "YYI"], [0.1, 0.2, 0.3, 0.1]),
    "Kraus": kraus_error(Kraus(random_quantum_channel(4, seed=4)).data),
    "gates and resets": QuantumError(
        [
            ([(Reset(), [1])], 0.1),
            ([(CXGate(), [0, 1]), (RXGate(0.3), [1])], 0.2),
            (
                [(HGate(), [1]), (Kraus(random_quantum_channel(2, seed=5)).to_instruction(), [0])],
                0.7,
            ),
        ]
    ),
    "three qubits": QuantumError(
        [
            ([(CXGate(), [2, 0]), (UnitaryGate(random_unitary(4, seed=6)), [1, 2])], 0.2),
            ([(CXGate(), [0, 2])], 0.2),
            ([(CCXGate(), [1, 2, 0]), (IGate(), [1])], 0.6),
        ]
    ),
    "nothing": pauli_error([("II", 1.0)]),
}


def check(thing: Any, expected: Any) -> None:
    whole = SuperOp(expected)
    placed = placed_of(thing)
    for one, places in placed:
        check_mixture(one)
        assert one.num_qubits == len(places)
    assert abs(placed_superop(placed, whole.num_qubits).data - whole.data).max() < 1e-12


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS.keys())
def test_errors_of_aer_are_the_same_maps(error: Any) -> None:
    check(error, error)
    check(error.to_instruction(), error)


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS.keys())
def test_dictionaries_of_errors_are_the_same_maps(error: Any) -> None:
    whole = SuperOp(error)
    as_json = json.loads(json.dumps(error.to_dict(), default=in_json))
    for dictionary in (error.to_dict(), as_json):
        placed = placed_of(dictionary)
        assert abs(placed_superop(placed, whole.num_qubits).data - whole.data).max() < 1e-12


def in_json(value: Any) -> Any:
    """As Aer writes it: arrays as lists, complex numbers as pairs."""
    return [value.real, value.imag] if isinstance(value, complex) else value.tolist()


GATES = [IGate(), HGate(), CXGate(), RXGate(0.4), CCXGate(), Reset()]


@pytest.mark.parametrize("num_qubits", [1, 2, 3])
@pytest.mark.parametrize("seed", range(8))
def test_random_errors_are_the_same_maps(num_qubits: int, seed: int) -> None:
    rng = np.random.default_rng([num_qubits, seed])
    terms = []
    for _ in range(rng.integers(1, 5)):
        steps = []
        for _ in range(rng.integers(0, 4)):
            width = int(rng.integers(1, min(num_qubits, 2) + 1))
            channel = random_quantum_channel(2**width, rank=2, seed=int(rng.integers(1000)))
            things = [*GATES, Kraus(channel).to_instruction(), SuperOp(channel).to_instruction()]
            fitting = [thing for thing in things if thing.num_qubits <= num_qubits]
            thing = fitting[rng.integers(len(fitting))]
            qubits = rng.permutation(num_qubits)[: thing.num_qubits].tolist()
            steps.append((thing, qubits))
        terms.append([*steps, (IGate(), [num_qubits - 1])])
    error = QuantumError([*zip(terms, rng.dirichlet(np.ones(len(terms))), strict=True)])
    check(error, error)


CHANNELS: dict[str, Any] = {
    "Kraus": Kraus(RANDOM),
    "SuperOp": SuperOp(RANDOM),
    "Choi": Choi(RANDOM),
    "PTM": PTM(RANDOM),
    "Chi": Chi(RANDOM),
    "Stinespring": Stinespring(RANDOM),
    "instruction of Kraus": Kraus(RANDOM).to_instruction(),
    "instruction of SuperOp": SuperOp(RANDOM).to_instruction(),
    "gate": CXGate(),
    "gate with an open control": CXGate(ctrl_state=0),
    "Pauli": Pauli("XYZ"),
    "Operator": Operator(random_unitary(4, seed=7)),
}


@pytest.mark.parametrize("channel", CHANNELS.values(), ids=CHANNELS.keys())
def test_channels_of_qiskit_are_the_same_maps(channel: Any) -> None:
    check(channel, channel)


def test_matrices_are_kraus_operators_or_one_unitary_matrix() -> None:
    operators = Kraus(RANDOM).data
    check(operators, RANDOM)
    check(np.array(operators), RANDOM)
    check(random_unitary(4, seed=8).data, random_unitary(4, seed=8))


def test_an_error_of_a_circuit_has_the_circuits_bit_order() -> None:
    circuit = QuantumCircuit(3)
    circuit.cx(2, 0)
    circuit.append(Kraus(random_quantum_channel(4, seed=9)).to_instruction(), [2, 1])
    check(QuantumError([(circuit, 1.0)]), SuperOp(circuit))


def test_a_gate_with_the_name_of_another_is_that_gate() -> None:
    definition = QuantumCircuit(1, name="x")
    definition.h(0)
    check(QuantumError([(definition.to_gate(), 1.0)]), Operator(HGate()))


def test_the_noise_of_a_device_is_maps_on_one_qubit_and_depolarizing() -> None:
    placed = placed_of(ERRORS["noise of a device"])
    assert [(places, mixture.is_unitary) for mixture, places in placed] == [
        ((0, 1), True),
        ((0,), False),
        ((1,), False),
    ]


@pytest.mark.parametrize(
    "thing",
    [ERRORS["nothing"], np.eye(4), 1j * np.eye(2), IGate()],
    ids=str,
)
def test_the_identity_is_no_channel_at_all(thing: Any) -> None:
    assert placed_of(thing) == ()


LindbladMap: Any = getattr(quantum_info, "PauliLindbladMap", None)  # Qiskit 2.0 has none
needs_map = pytest.mark.skipif(LindbladMap is None, reason="needs PauliLindbladMap")


@needs_map
def test_a_pauli_lindblad_map_is_one_mixture_for_each_set_of_qubits() -> None:
    strings = [("XXI", 0.1), ("ZZI", 0.2), ("IZI", 0.05), ("IYY", 0.03), ("XXI", 0.01)]
    same = PauliLindbladError([label for label, _ in strings], [rate for _, rate in strings])
    check(LindbladMap.from_list(strings), same)
    placed = placed_of(LindbladMap.from_list(strings))
    assert [places for _, places in placed] == [(1, 2), (1,), (0, 1)]
    assert placed[1][0].probabilities[1] == pytest.approx((1 - math.exp(-0.1)) / 2, abs=1e-15)


@needs_map
def test_a_wide_pauli_lindblad_map_is_read_by_its_strings() -> None:
    width = 100
    strings = [("XX", [first, first + 1], 0.01) for first in range(width - 1)]
    placed = placed_of(LindbladMap.from_sparse_list(strings, num_qubits=width))
    assert [places for _, places in placed] == [(first, first + 1) for first in range(width - 1)]
    assert len({id(mixture) for mixture, _ in placed}) == 1


@needs_map
def test_a_pauli_lindblad_map_without_strings_is_the_identity() -> None:
    assert placed_of(LindbladMap.identity(3)) == ()


@needs_map
@pytest.mark.parametrize(
    ("label", "rate", "message"),
    [
        ("X", -0.1, "rate of 0 or more"),
        ("X", math.nan, "rate of 0 or more"),
        ("XYZXYZXYZ", 0.1, "a Pauli string of 9 letters"),
    ],
)
def test_a_pauli_lindblad_map_that_is_no_channel_is_one_clear_error(
    label: str, rate: float, message: str
) -> None:
    with pytest.raises(NoiseModelError, match=message):
        placed_of(LindbladMap.from_list([(label, rate)]))


@pytest.mark.parametrize("scale", [1 + 3e-7, 1 - 3e-7])
def test_a_channel_that_is_almost_trace_preserving_is_made_so(scale: float) -> None:
    operators = scale * np.array(Kraus(amplitude_damping_error(0.2)).data)
    ((mixture, _),) = placed_of(operators)
    check_mixture(mixture)
    assert abs(superop(mixture).data - SuperOp(amplitude_damping_error(0.2)).data).max() < 1e-12


@pytest.mark.parametrize(
    ("thing", "message"),
    [
        ([0.9 * np.eye(2)], "not trace-preserving: .* differs from the identity by 0.19 "),
        ([np.eye(2), np.eye(2)], "not trace-preserving"),
        ([np.full((2, 2), np.nan)], "not trace-preserving: .* by nan"),
        ([np.eye(3)], r"shape \(3, 3\)"),
        ([np.ones((2, 4))], r"shape \(2, 4\)"),
        ([np.eye(2), np.eye(4)], "cannot be read from an object of type list"),
        ([], "cannot be read"),
        ([["a", "b"], ["c", "d"]], "cannot be read"),
        ("X", "cannot be read from an object of type str"),
        (None, "cannot be read from an object of type NoneType"),
        ({}, "cannot be read from an object of type dict"),
        (SuperOp(np.eye(4)[[0, 2, 1, 3]]), "not completely positive"),
        (SuperOp(np.full((4, 4), np.nan)), "cannot be read"),
        (SuperOp(0.5 * np.eye(4)), "not trace-preserving"),
        (SuperOp(np.eye(9)), r"shape \(3, 3\)"),
        (Operator(2 * np.eye(2)), "not trace-preserving"),
        (PauliError(["X", "I"], [-0.1, 1.1]), "each must be within 0 and 1"),
        (PauliError(["X", "I"], [0.1, 0.1]), r"the sum \[0.2\]; it must be 1"),
        (PauliLindbladError(["X"], [-0.1]), "rate of 0 or more"),
    ],
)
def test_what_is_no_channel_is_one_clear_error(thing: Any, message: str) -> None:
    with pytest.raises(NoiseModelError, match=f"my channel .*{message}"):
        placed_of(thing, "my channel")


FLIP: dict[str, Any] = {
    "type": "qerror",
    "instructions": [[{"name": "x", "qubits": [0]}], [{"name": "id", "qubits": [0]}]],
    "probabilities": [0.1, 0.9],
}


@pytest.mark.parametrize(
    ("part", "change", "message"),
    [
        ((), {"probabilities": [math.nan, 1]}, "within 0 and 1"),
        ((), {"probabilities": [1.5, -0.5]}, "within 0 and 1"),
        ((), {"probabilities": [1.0]}, "2 circuits and probabilities of shape"),
        ((), {"probabilities": "ab"}, "no array of numbers"),
        ((), {"probabilities": None}, "probabilities"),
        ((), {"instructions": "ab"}, "TypeError"),
        ((), {"type": "plerror"}, "KeyError"),
        (("instructions", 0, 0), {"name": "foo"}, "the instruction 'foo'"),
        (("instructions", 0, 0), {"name": "measure"}, "cannot be read"),
        (("instructions", 0, 0), {"name": "cx", "qubits": [1, 1]}, "on the qubits"),
        (("instructions", 0, 0), {"name": "rx", "params": []}, "TypeError"),
        (("instructions", 0, 0), {"name": "rx", "params": [math.nan]}, "not trace-preserving"),
        (("instructions", 0, 0), {"name": "pauli", "params": ["XQ"]}, "cannot be read"),
        (("instructions", 0, 0), {"name": "pauli", "params": ["XX"]}, "on the qubits"),
        (("instructions", 0, 0), {"name": "kraus", "params": []}, "cannot be read"),
        (("instructions", 0, 0), {"name": "kraus", "params": [[[1, 0], [2]]]}, "cannot be read"),
        (("instructions", 0, 0), {"name": "kraus", "params": [np.eye(4)]}, "on the qubits"),
        (("instructions", 0, 0), {"qubits": [0, 1]}, "on the qubits"),
        (("instructions", 0, 0), {"qubits": [-1]}, "the qubits"),
        (("instructions", 0, 0), {"qubits": [10**9]}, "the qubits"),
        (("instructions", 0, 0), {"qubits": [0.5]}, "TypeError"),
        (("instructions", 0, 0), {"qubits": ["a"]}, "TypeError"),
        (("instructions", 0, 0), {"qubits": 0}, "TypeError"),
    ],
)
def test_a_wrong_dictionary_is_one_clear_error(
    part: tuple[Any, ...], change: dict[str, Any], message: str
) -> None:
    assert [places for _, places in placed_of(FLIP)] == [(0,)]
    wrong = copy.deepcopy(FLIP)
    place = wrong
    for key in part:
        place = place[key]
    place.update(change)
    with pytest.raises(NoiseModelError, match=message):
        placed_of(wrong)


@pytest.mark.parametrize(
    ("labels", "rates", "message"),
    [
        (["XQ"], [0.1], "the Pauli string 'QX'"),
        (["XX"], [math.nan], "rate of 0 or more"),
        (["XX"], ["a"], "TypeError"),
        (["XX"], [0.1, 0.2], "ValueError"),
    ],
)
def test_a_wrong_pauli_lindblad_dictionary_is_one_clear_error(
    labels: list[str], rates: list[Any], message: str
) -> None:
    instructions = [[{"name": "pauli", "params": [label], "qubits": [0, 1]}] for label in labels]
    with pytest.raises(NoiseModelError, match=message):
        placed_of({"type": "plerror", "instructions": instructions, "rates": rates})
