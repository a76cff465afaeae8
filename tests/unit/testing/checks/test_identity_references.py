"""References that keep a circuit or a state alive are found, and described."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from qiskit import QuantumCircuit

from simquay.testing.checks.identity import find_retained

MODULE_LEVEL = np.zeros(4096)


def closure(value: object) -> Any:
    return lambda: value


CIRCUIT = QuantumCircuit(1, name="kept")


@pytest.mark.parametrize(
    "root",
    [
        SimpleNamespace(a=[{"b": (CIRCUIT,)}]),
        closure(CIRCUIT),
        SimpleNamespace(method=SimpleNamespace(circuit=CIRCUIT).__repr__),
    ],
    ids=["attributes", "a closure", "a bound method"],
)
def test_a_circuit_is_found(root: object) -> None:
    assert "a circuit, 'kept' (" in (find_retained(root, None, 1) or "")


def test_the_path_to_an_array_is_told() -> None:
    root = SimpleNamespace(states=[np.zeros(100, dtype=complex)])
    found = find_retained(root, None, 1600)
    assert found == "an array of 1600 bytes (SimpleNamespace -> dict -> list -> ndarray)"


def test_small_arrays_are_no_states() -> None:
    assert find_retained([np.zeros(100, dtype=complex)], None, 1601) is None


def test_what_the_excluded_object_holds_does_not_count() -> None:
    backend = SimpleNamespace(circuit=CIRCUIT)
    assert find_retained(SimpleNamespace(backend=backend), backend, 1) is None
    assert find_retained(SimpleNamespace(backend=backend, own=CIRCUIT), backend, 1) is not None


def test_globals_of_functions_and_classes_do_not_count() -> None:
    assert find_retained([closure, SimpleNamespace], None, MODULE_LEVEL.nbytes) is None


def test_cycles_end() -> None:
    root: list[object] = []
    root.append(root)
    assert find_retained(root, None, 1) is None
