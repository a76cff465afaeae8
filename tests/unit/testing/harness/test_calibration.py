"""How the kit finds work that takes some seconds: on backends that are models."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from qiskit import QuantumCircuit

import simquay
from simquay.testing.harness import calibration
from simquay.testing.harness.calibration import calibrate


def shape(circuit: QuantumCircuit) -> tuple[int, int]:
    """The width, and how many layers there are."""
    return circuit.num_qubits, circuit.count_ops().get("rx", 0) // circuit.num_qubits


def state_vector(width: int, count: int) -> float:
    """Each layer costs the same."""
    return 1e-7 * count * 2.0**width


def product_state(width: int, count: int) -> float:
    """The cost of a layer grows with the entanglement, up to what the width allows."""
    return sum(2e-6 * width * 4.0 ** min(layer, width // 2) for layer in range(count))


def slow(width: int, count: int) -> float:
    """An interpreter: a hundred times as slow."""
    return 100 * state_vector(width, count)


@pytest.mark.parametrize("model", [state_vector, product_state, slow])
@pytest.mark.parametrize("overhead", [1e-4, 0.05])
def test_what_is_to_take_some_seconds_does(
    model: Callable[[int, int], float], overhead: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    longest = 0.0

    def seconds(backend: object, circuit: QuantumCircuit, shots: int) -> tuple[float, bool]:
        nonlocal longest
        taken = overhead + model(*shape(circuit))
        longest = max(longest, taken)
        return taken, False

    monkeypatch.setattr(calibration, "_seconds", seconds)
    found = calibrate(simquay.get_backend("reference"))
    for wanted in (0.8, 1.5, 10.0):
        taken = model(*shape(found.circuit(wanted))) * found.shots_for(wanted) / found.shots
        assert wanted / 2 < taken < 2 * wanted
    assert longest < 20.0
