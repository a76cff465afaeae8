"""Random circuits with random models, lowered: the same states and outcomes as those of an oracle
that knows circuits and tables of errors alone."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.circuits.lowering.circuit import lower
from simquay.noise.channels import placed_of
from simquay.noise.model import Errors, NoiseModel
from tests.support import channels, noisy_states
from tests.support.noise_models import random_circuit, random_dynamic, random_model


class OfTable(NoiseModel):
    """The errors of a table: those of measurements before them, all others behind."""

    def __init__(self, table: noisy_states.Table) -> None:
        super().__init__({name for name, _ in table.quantum} | {"measure"})
        self.table = table

    def find(self, name: str, label: str | None, qubits: tuple[int, ...]) -> Errors | None:
        labels = {name for name, _ in self.table.quantum}
        known = label if label in labels else name
        error = self.table.quantum.get((known, qubits), self.table.quantum.get((known, None)))
        placed = () if error is None else placed_of(error)
        if name == "measure":
            return Errors(before=placed, misread=self.table.misread(qubits))
        return Errors(after=placed)


@pytest.mark.parametrize("seed", range(25))
def test_the_state_is_that_of_the_circuit(seed):
    random = np.random.default_rng(seed)
    _, table = random_model(random, 3)
    circuit = random_circuit(random, 3, 20)
    found = channels.density_matrix(lower(circuit, OfTable(table)))
    np.testing.assert_allclose(found, noisy_states.density_matrix(circuit, table), atol=1e-10)


@pytest.mark.parametrize("seed", range(25))
def test_outcomes_are_those_of_the_circuit(seed):
    random = np.random.default_rng(seed)
    _, table = random_model(random, 3)
    circuit = random_dynamic(random, 3, 3, 14)
    found = channels.distribution(lower(circuit, OfTable(table)))
    expected = noisy_states.distribution(circuit, table)
    assert found == pytest.approx(expected, abs=1e-10)
