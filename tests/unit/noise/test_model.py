"""A noise model's errors: found when first asked for, and kept."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit import QuantumCircuit

from simquay.errors import NoiseModelError
from simquay.noise.model import Errors, NoiseModel
from simquay.program.channels import Mixture

FLIP = Mixture(np.array([0.9, 0.1]), (np.eye(2, dtype=complex), np.eye(2, dtype=complex)[::-1]))


class Flips(NoiseModel):
    """Flips qubit 0 behind each ``x``, and counts how often it is asked."""

    asked = 0

    def find(self, name: str, label: str | None, qubits: tuple[int, ...]) -> Errors | None:
        self.asked += 1
        if name == "broken":
            raise NoiseModelError("no channel")
        return Errors(after=((FLIP, (0,)),)) if qubits == (0,) else None


def test_errors_are_found_once_and_are_the_same_object() -> None:
    model = Flips(["x", "broken"])
    first = model.errors("x", None, (0,))
    assert first is not None
    assert first.after == ((FLIP, (0,)),)
    assert (first.before, first.misread) == ((), None)
    assert model.errors("x", None, (0,)) is first
    assert model.errors("x", None, (1,)) is None
    assert model.errors("x", None, (1,)) is None
    assert model.asked == 2


def test_an_error_of_the_model_is_raised_each_time() -> None:
    model = Flips(["x", "broken"])
    for _ in range(2):
        with pytest.raises(NoiseModelError, match="no channel"):
            model.errors("broken", None, (0,))


def test_a_model_has_no_relaxation_and_inserts_nothing_where_it_does_not_say_so() -> None:
    model = Flips(["x"])
    circuit = QuantumCircuit(1)
    assert not model.relaxes
    assert model.relaxation(0, 1e-6) is None
    assert model.prepared(circuit) is circuit
    assert not model.is_ideal
    assert Flips([]).is_ideal
