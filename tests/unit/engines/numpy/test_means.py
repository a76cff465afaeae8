"""Means of strings: small states, groups that share products, blocks, threads."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.control import Control
from simquay.engines.numpy import means
from simquay.engines.numpy.engine import DenseEngine
from simquay.errors import Cancelled
from simquay.program import Matrix, Precision
from tests.support.gate_lists import apply_naively, random_gates, run_naively
from tests.support.numpy_states import TOLERANCE, evolve
from tests.support.random_strings import random_states, random_strings


@pytest.mark.parametrize("precision", list(Precision))
def test_expectation_of_pauli_strings(precision: Precision) -> None:
    rng = np.random.default_rng(2)
    letters = {
        "I": np.eye(2),
        "X": np.array([[0, 1], [1, 0]]),
        "Y": np.array([[0, -1j], [1j, 0]]),
        "Z": np.diag([1, -1]),
    }
    for num_qubits in (1, 3, 6):
        gates = random_gates(num_qubits, 4 * num_qubits - 2, rng)
        engine, state = evolve(gates, num_qubits, precision)
        vector = run_naively(gates, num_qubits)
        labels = ["".join(rng.choice(list("IXYZ"), num_qubits)) for _ in range(12)]
        expected = []
        for label in labels:
            moved = vector
            for qubit, letter in enumerate(reversed(label)):
                moved = apply_naively(moved, Matrix(letters[letter].astype(complex), (qubit,)))
            expected.append(np.vdot(vector, moved).real)
        np.testing.assert_allclose(
            engine.expectation(state, labels), [expected], atol=TOLERANCE[precision]
        )


@pytest.mark.parametrize("precision", list(Precision))
@pytest.mark.parametrize("blocks", [2, 5, 13])
def test_means_are_the_references(
    precision: Precision, blocks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(means, "_BLOCK_BITS", blocks)
    monkeypatch.setattr(means, "_ROW_BITS", min(blocks - 1, 6))
    rng = np.random.default_rng(blocks)
    for num_qubits in range(1, 12):
        for batch, terms, flips in ((1, 30, 30), (3, 40, 2), (40, 3, 3)):
            for group_work in (0, 1 << 40):  # all with shared products, and none
                monkeypatch.setattr(means, "_GROUP_WORK", group_work)
                strings = random_strings(rng, num_qubits, terms, flips)
                (engine, state), (reference, known) = random_states(
                    rng, num_qubits, precision, batch, DenseEngine()
                )
                found = engine.means(state, strings, Control())
                assert found.dtype == np.float64
                expected = reference.means(known, strings, Control())
                np.testing.assert_allclose(found, expected, atol=1e-13)


@pytest.mark.parametrize("flips", [1, 40])
def test_threads_share_groups_and_blocks(flips: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(means, "_PIECE_WORK", 1 << 14)
    rng = np.random.default_rng(flips)
    strings = random_strings(rng, 16, 60, flips)
    (engine, state), (reference, known) = random_states(
        rng, 16, Precision.DOUBLE, 1, DenseEngine(threads=3)
    )
    expected = reference.means(known, strings, Control())
    for _ in range(3):
        np.testing.assert_allclose(engine.means(state, strings, Control()), expected, atol=1e-13)


@pytest.mark.parametrize("num_qubits", [3, 14])
def test_a_cancelled_read_ends(num_qubits: int) -> None:
    rng = np.random.default_rng(0)
    (engine, state), _ = random_states(rng, num_qubits, Precision.DOUBLE, 1, DenseEngine())
    control = Control()
    control.cancel()
    with pytest.raises(Cancelled):
        engine.means(state, random_strings(rng, num_qubits, 20, 3), control)
