"""Pubs as arrays, and the errors of wrong ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.primitives.containers.bindings_array import BindingsArray
from qiskit.primitives.containers.sampler_pub import SamplerPub

from simquay.primitives.pubs import sampled_pub

A, B, C = (Parameter(name) for name in "abc")


def three() -> QuantumCircuit:
    circuit = QuantumCircuit(1, 1)
    for parameter in (C, A, B):
        circuit.rx(parameter, 0)
    return circuit


VALUES = np.arange(24.0).reshape(2, 4, 3)


@pytest.mark.parametrize(
    "given",
    [
        VALUES,
        VALUES.tolist(),
        {("a", "b", "c"): VALUES},
        {(C, A): VALUES[..., [2, 0]], "b": VALUES[..., 1]},
        {"b": VALUES[..., 1], A: VALUES[..., :1], ("c",): VALUES[..., 2:]},
        BindingsArray({("c", B): VALUES[..., [2, 1]], A: VALUES[..., 0]}),
    ],
    ids=range(6),
)
def test_any_split_of_keys_gives_the_values_in_the_order_of_the_parameters(given) -> None:
    pub = sampled_pub((three(), given), 10)
    assert pub.shape == (2, 4)
    np.testing.assert_array_equal(pub.values, VALUES)
    np.testing.assert_array_equal(pub.points, VALUES.reshape(8, 3))
    assert sampled_pub(SamplerPub.coerce((three(), given), 3), 10).shots == 3


def test_one_parameter_needs_no_axis_of_its_own() -> None:
    circuit = QuantumCircuit(1, 1)
    circuit.rx(A, 0)
    cases: list[tuple[Any, tuple[int, ...]]]
    cases = [(0.5, ()), ([0.5], ()), ([1, 2, 3], (3,)), ([[1], [2]], (2,))]
    for given, shape in cases:
        pub = sampled_pub((circuit, given), 1)
        assert pub.shape == SamplerPub.coerce((circuit, given)).shape == shape
        np.testing.assert_array_equal(pub.points[:, 0], np.ravel(given))


def test_a_circuit_without_parameters_may_have_a_shape() -> None:
    circuit = QuantumCircuit(1, 1)
    assert sampled_pub(circuit, 1).shape == ()
    assert sampled_pub((circuit, BindingsArray(shape=(2, 3))), 1).points.shape == (6, 0)


def test_the_values_and_metadata_are_a_snapshot() -> None:
    circuit = three()
    circuit.metadata = {"tags": [1]}
    values = VALUES.copy()
    pub = sampled_pub((circuit, values), 1)
    values[...] = 0
    circuit.metadata["tags"].append(2)
    np.testing.assert_array_equal(pub.values, VALUES)
    assert pub.metadata == {"tags": [1]}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, "no values for a, b, c"),
        ([1.0, 2.0], "inconsistent"),
        ([1.0, 2.0, 3.0, 4.0], "inconsistent"),
        ({("a", "b"): [1, 2]}, "no values for c"),
        ({("a", "b", "x"): [1, 2, 3]}, "it has no x; no values for c"),
        ({("a", "b", "a"): [1, 2, 3]}, "no values for c"),
        ({"a": [1, 2], ("b", "c"): [[1, 2]] * 3}, "any consistent shape"),
    ],
    ids=range(7),
)
def test_values_that_do_not_fit_are_an_error(given, message) -> None:
    with pytest.raises(ValueError, match=message):
        sampled_pub((three(), given), 1)


@pytest.mark.parametrize("values", [1j, [1j, 0, 0], np.array([1, 2, 3j]), {"a": 1j}], ids=range(4))
def test_complex_values_are_an_error(values) -> None:
    with pytest.raises(TypeError, match="complex"):
        sampled_pub((three(), values), 1)


@pytest.mark.parametrize("shots", [0, -1])
def test_shots_are_positive(shots) -> None:
    with pytest.raises(ValueError, match="shots must be positive"):
        sampled_pub((QuantumCircuit(1, 1), None, shots), 1)
    with pytest.raises(TypeError, match="shots must be an integer"):
        sampled_pub((QuantumCircuit(1, 1), None, 1.5), 1)


def test_a_loops_own_parameter_needs_no_value() -> None:
    """The first releases of Qiskit 2 list it among the circuit's."""
    circuit = QuantumCircuit(1, 1)
    with circuit.for_loop(range(2)) as angle:
        circuit.rx(angle, 0)
    assert sampled_pub(circuit, 1).shape == ()
    circuit.ry(A, 0)
    for given in ([1.0, 2.0], {"a": [1.0, 2.0]}):
        pub = sampled_pub((circuit, given), 1)
        place = [one.name for one in circuit.parameters].index("a")
        assert pub.values[:, place].tolist() == [1.0, 2.0]
    with pytest.raises(ValueError, match=r"no values for a\. Note"):
        sampled_pub(circuit, 1)
