"""Mixtures: their kind, and their matrix in the Pauli basis, against Qiskit's."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit.quantum_info import PTM, Kraus, random_quantum_channel, random_unitary

from simquay.program import Channel, Matrix, Mixture

ORDER = [0, 3, 1, 2]
"""Qiskit counts I, X, Y, Z; mixtures count I, Z, X, Y."""


def mixture(num_qubits: int) -> Mixture:
    """A unitary with probability 0.7, else a channel without structure."""
    size = 1 << num_qubits
    unitary = random_unitary(size, seed=1).data
    kraus = Kraus(random_quantum_channel(size, size, rank=3, seed=2)).data
    return Mixture(np.array([0.7, 0.3]), (unitary, np.array(kraus)))


@pytest.mark.parametrize("num_qubits", [1, 2, 3])
def test_the_pauli_transfer_matrix_is_qiskits(num_qubits: int) -> None:
    made = mixture(num_qubits)
    kraus = [np.sqrt(0.7) * made.parts[0], *(np.sqrt(0.3) * made.parts[1])]
    expected = PTM(Kraus(kraus)).data.real
    digits = np.indices((4,) * num_qubits).reshape(num_qubits, -1)
    where = np.array(ORDER)[digits].T @ 4 ** np.arange(num_qubits)[::-1]
    np.testing.assert_allclose(made.pauli_transfer, expected[np.ix_(where, where)], atol=1e-12)


def test_a_mixture_knows_its_size_and_whether_all_its_parts_are_unitary() -> None:
    made = mixture(2)
    assert made.num_qubits == 2
    assert not made.is_unitary
    assert Mixture(np.array([1.0]), made.parts[:1]).is_unitary


@pytest.mark.parametrize("diagonal", [False, True])
def test_a_channel_is_diagonal_if_its_mixture_is(diagonal: bool) -> None:
    parts = (np.eye(2, dtype=complex),)
    channel = Channel(Mixture(np.array([1.0]), parts, diagonal), (3,))
    assert channel.is_diagonal == diagonal
    assert (channel.controls, channel.control_state) == ((), 0)
    assert not isinstance(channel, Matrix)


DAMPING = np.array([[[1, 0], [0, 0.8]], [[0, 0.6], [0, 0]]], dtype=complex)


@pytest.mark.parametrize(
    ("parts", "keeps"),
    [
        ((np.eye(2), np.diag([1, -1])), True),
        ((np.eye(2), DAMPING), True),
        ((np.eye(2), np.array([[0, 1], [1, 0]])), False),
        ((np.eye(2), DAMPING[:, ::-1, ::-1]), False),
    ],
)
def test_a_mixture_knows_whether_it_keeps_zero(parts, keeps):
    assert Mixture(np.array([0.9, 0.1]), parts).keeps_zero == keeps
