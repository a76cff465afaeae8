"""Maps of gates that only move bits, and those that do not."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray
from qiskit.circuit.library import CXGate, ECRGate, HGate, SGate, SwapGate, SXGate, TGate, iSwapGate
from qiskit.quantum_info import PTM, random_clifford

from simquay.execution.density.transfer import Map, map_of, product, restricted
from simquay.program.channels import pauli_transfers
from simquay.program.gates import Permutation, Relabel


def transfer_of(matrix: NDArray[np.complex128]) -> NDArray[np.complex128]:
    return np.asarray(pauli_transfers(matrix[None])[0], dtype=np.complex128)


def matrix_of(found: Map, size: int) -> NDArray[np.complex128]:
    """What the map does, from its moves and numbers."""
    count = size.bit_length() - 1
    images = np.arange(size)
    for gate in found.moving((*range(count),)):
        bits = [images >> bit & 1 for bit in range(count)]
        if isinstance(gate, Permutation):
            bits[gate.qubits[0]] = bits[gate.qubits[0]] ^ bits[gate.controls[0]]
        else:
            assert isinstance(gate, Relabel)
            bits = [bits[source] for source in gate.sources]
        images = np.sum([bit << place for place, bit in enumerate(bits)], axis=0)
    moved = np.eye(size, dtype=np.complex128)[:, np.argsort(images)].T
    return moved if found.numbers is None else product(found.numbers, moved)


CLIFFORDS = [HGate(), SGate(), SXGate(), CXGate(), SwapGate(), ECRGate(), iSwapGate()]


@pytest.mark.parametrize("gate", CLIFFORDS, ids=lambda gate: gate.name)
def test_a_clifford_gate_moves_bits_and_changes_signs(gate) -> None:
    transfer = transfer_of(gate.to_matrix())
    found = map_of(transfer)
    assert found.numbers is None or found.numbers.ndim == 1
    np.testing.assert_allclose(matrix_of(found, len(transfer)), transfer, atol=1e-14)


@pytest.mark.parametrize("seed", range(40))
def test_any_clifford_gate_with_a_pauli_channel_behind_it(seed: int) -> None:
    num_qubits = 1 + seed % 3
    transfer = transfer_of(random_clifford(num_qubits, seed=seed).to_matrix())
    damping = np.random.default_rng(seed).uniform(0.1, 1, len(transfer))
    found = map_of(damping[:, None] * transfer)
    assert found.numbers is not None
    assert found.numbers.ndim == 1
    expected = damping[:, None] * transfer
    np.testing.assert_allclose(matrix_of(found, len(transfer)), expected, atol=1e-13)


def test_other_gates_are_matrices() -> None:
    transfer = transfer_of(TGate().to_matrix())
    assert map_of(transfer).numbers is not None
    assert not map_of(transfer).moving((0, 1))
    np.testing.assert_array_equal(map_of(transfer).numbers, transfer)


def test_a_permutation_of_indices_that_is_not_linear_is_a_matrix() -> None:
    transfer = np.eye(8, dtype=np.complex128)[[0, 1, 2, 3, 4, 5, 7, 6]]
    swapped = transfer[[0, 2, 1, 3, 4, 5, 6, 7]]
    for matrix in (transfer, swapped):
        np.testing.assert_allclose(matrix_of(map_of(matrix), 8), matrix)


def test_products_of_matrices_and_diagonals() -> None:
    generator = np.random.default_rng(1)
    matrix = generator.normal(size=(4, 4)).astype(np.complex128)
    diagonal = generator.normal(size=4).astype(np.complex128)

    def full(array: NDArray[np.complex128]) -> NDArray[np.complex128]:
        return array if array.ndim == 2 else np.diag(array)

    for later, earlier in itertools.product((matrix, diagonal), repeat=2):
        expected = full(later) @ full(earlier)
        found = product(later, earlier)
        np.testing.assert_allclose(full(found), expected)


def test_a_diagonal_channel_beside_qubits_that_are_zero() -> None:
    """With qubit 1 of three in |0>, a controlled phase between 0 and 1 does nothing."""
    phases = np.exp(1j * np.random.default_rng(3).uniform(0, 6, 8))
    found = restricted(pauli_transfers(np.diag(phases)[None])[0], (True, False, True))
    expected = pauli_transfers(np.diag(phases[[0, 1, 4, 5]])[None])[0]
    np.testing.assert_allclose(found, expected, atol=1e-14)


def test_indices_are_those_of_qiskits_matrices_but_for_the_order_of_letters() -> None:
    gate = CXGate().to_matrix()
    letters = np.array([0, 3, 1, 2])  # I, Z, X, Y among I, X, Y, Z
    order = (4 * letters[:, None] + letters).ravel()
    expected = PTM(CXGate()).data[np.ix_(order, order)]
    np.testing.assert_allclose(transfer_of(gate), expected, atol=1e-14)
