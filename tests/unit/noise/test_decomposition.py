"""Channels taken apart: the parts make the same map, and the unitary ones are as heavy as can be.

The oracles are Qiskit's superoperators, Aer's errors, and closed formulas of relaxation.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from qiskit.quantum_info import (
    Kraus,
    SuperOp,
    pauli_basis,
    random_quantum_channel,
    random_unitary,
)
from qiskit_aer.noise import (
    amplitude_damping_error,
    coherent_unitary_error,
    phase_damping_error,
    reset_error,
)

from simquay.noise.decomposition import choi_of, operators_of, simplified
from simquay.program.channels import Mixture, pauli_matrices
from simquay.program.formulas import ComplexArray
from tests.support.channels import check_mixture, kraus_of, superop


def mixture_of(*channels: object, weights: tuple[float, ...] = (1.0,)) -> Mixture:
    return Mixture(np.array(weights), tuple(kraus_of(channel) for channel in channels))


def simple(*channels: object, weights: tuple[float, ...] = (1.0,)) -> Mixture:
    """The simplified mixture, which is checked against Qiskit's maps."""
    mixture = simplified(mixture_of(*channels, weights=weights))
    check_mixture(mixture)
    expected = sum(
        weight * SuperOp(channel).data for weight, channel in zip(weights, channels, strict=True)
    )
    assert abs(superop(mixture).data - expected).max() < 1e-12
    return mixture


def is_positive(matrix: ComplexArray) -> bool:
    return bool(np.linalg.eigvalsh(matrix)[0] > -1e-12)


def unitary_weight(mixture: Mixture) -> float:
    parts = zip(mixture.probabilities, mixture.parts, strict=True)
    return float(sum(probability for probability, part in parts if part.ndim == 2))


def relaxation(t1: float, t2: float, time: float, excited: float = 0.0) -> SuperOp:
    """Row ``2 * j + i`` is of entry ``(i, j)``: matrices are taken column after column."""
    moved, coherent = -math.expm1(-time / t1), math.exp(-time / t2)
    up, down = moved * excited, moved * (1 - excited)
    diagonal = np.diag([1 - up, coherent, coherent, 1 - down])
    diagonal[0, 3], diagonal[3, 0] = down, up
    return SuperOp(diagonal)


@pytest.mark.parametrize("num_qubits", [1, 2, 3])
@pytest.mark.parametrize("rank", [1, 2, 3, None])
@pytest.mark.parametrize("seed", range(4))
def test_parts_of_random_channels_are_the_same_map(
    num_qubits: int, rank: int | None, seed: int
) -> None:
    channel = random_quantum_channel(2**num_qubits, rank=rank, seed=seed)
    mixture = simple(channel)
    assert len(mixture.parts) <= 2


@pytest.mark.parametrize("num_qubits", [1, 2, 3])
@pytest.mark.parametrize("rank", [1, 2, None])
@pytest.mark.parametrize("seed", range(4))
def test_the_default_part_is_as_heavy_as_a_unitary_part_can_be(
    num_qubits: int, rank: int | None, seed: int
) -> None:
    size = 2**num_qubits
    rng = np.random.default_rng(seed)
    rare, weight = random_quantum_channel(size, rank=rank, seed=seed), rng.uniform(0.6, 0.999)
    whole = SuperOp(weight * np.eye(size**2) + (1 - weight) * SuperOp(rare).data)
    mixture = simple(whole)
    assert mixture.parts[0].ndim == 2
    assert mixture.probabilities[0] > weight - 1e-9
    # With more of it, what is left would be no channel.
    choi, part = choi_of(kraus_of(whole)), choi_of(mixture.parts[0][None])
    assert is_positive(choi - mixture.probabilities[0] * part)
    assert not is_positive(choi - (mixture.probabilities[0] + 1e-6) * part)


@pytest.mark.parametrize("num_qubits", [1, 2, 3])
@pytest.mark.parametrize("seed", range(3))
def test_a_pauli_channel_is_known_by_any_of_its_kraus_operators(num_qubits: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    paulis = pauli_basis(num_qubits).to_matrix(array=True)
    weights = rng.dirichlet(np.ones(len(paulis)))
    frame = random_unitary(2**num_qubits, seed=seed).data if seed else np.eye(2**num_qubits)
    operators = np.sqrt(weights)[:, None, None] * (paulis @ frame)
    mixed = np.tensordot(random_unitary(len(paulis), seed=seed).data, operators, 1)
    mixture = simple(Kraus(list(mixed)))
    assert mixture.is_unitary
    assert np.allclose(np.sort(mixture.probabilities), np.sort(weights), rtol=0, atol=1e-12)
    assert mixture.probabilities[0] == mixture.probabilities.max()


@pytest.mark.parametrize("num_qubits", [1, 2])
def test_equally_likely_parts_are_in_the_order_of_pauli_matrices(num_qubits: int) -> None:
    """Or else rounding errors would say which error a draw is."""
    paulis = pauli_matrices(num_qubits)
    weights = np.full(len(paulis), 0.01)
    weights[0] = 1 - weights[1:].sum()
    operators = np.sqrt(weights)[:, None, None] * paulis
    for seed in range(5):
        mixed = np.tensordot(random_unitary(len(paulis), seed=seed).data, operators, 1)
        mixture = simplified(Mixture(np.ones(1), (mixed,)))
        for part, pauli in zip(mixture.parts, paulis, strict=True):
            assert abs(np.vdot(part, pauli)) > 2**num_qubits - 1e-9


def test_kraus_operators_of_equal_weight_are_not_mixed() -> None:
    operators = operators_of(choi_of(kraus_of(reset_error(0.5, 0.5))))
    assert len(operators) == 4
    assert [np.flatnonzero(operator).tolist() for operator in operators] == [[0], [1], [2], [3]]


@pytest.mark.parametrize("frame", [np.eye(2), random_unitary(2, seed=3).data])
@pytest.mark.parametrize("time", [1e-6, 1e-3, 0.1, 2.0])
@pytest.mark.parametrize("t2", [0.1, 0.7, 1.0])
def test_relaxation_with_t2_up_to_t1_is_identity_z_and_reset(
    t2: float, time: float, frame: ComplexArray
) -> None:
    channel = SuperOp(Kraus([frame])).compose(relaxation(1.0, t2, time))
    mixture = simple(channel)
    kept, coherent = math.exp(-time), math.exp(-time / t2)
    expected = [(kept + coherent) / 2, (kept - coherent) / 2]
    unitary = [part @ frame.conj().T for part in mixture.parts if part.ndim == 2]
    assert len(unitary) == (1 if t2 == 1.0 else 2)
    assert np.allclose(mixture.probabilities[: len(unitary)], expected[: len(unitary)], atol=1e-12)
    assert all(abs(part[0, 1]) + abs(part[1, 0]) < 1e-9 for part in unitary)
    reset = np.array([[1, 0, 0, 1], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])
    last = mixture.parts[-1]
    found = sum(np.kron(one.conj(), one) for one in last) @ np.kron(frame.T, frame.conj().T)
    assert np.allclose(found, reset, rtol=0, atol=1e-12 / (1 - kept))


@pytest.mark.parametrize("time", [1e-6, 1e-3, 0.1, 2.0])
@pytest.mark.parametrize("t2", [1.01, 1.5, 1.99])
@pytest.mark.parametrize("excited", [0.0, 0.3])
def test_relaxation_with_t2_above_t1_has_the_greatest_unitary_weight(
    t2: float, time: float, excited: float
) -> None:
    mixture = simple(relaxation(1.0, t2, time, excited))
    moved, dephased = -math.expm1(-time), -math.expm1(-time / t2)
    above, below = dephased - moved * excited, moved * (1 - excited) - dephased
    if below > 0:  # 1 / (v† C⁺ v) of [[1 - dephased + above, 1 - dephased], [., . - below]]
        identity = 1 - dephased - above * below / (above - below)
        expected = identity + moved * min(excited, 1 - excited)
        assert np.allclose(mixture.parts[0], np.eye(2))
        assert abs(mixture.probabilities[0] - identity) < 1e-9
    else:
        expected = 1 - moved * max(excited, 1 - excited) + moved * min(excited, 1 - excited)
    assert abs(unitary_weight(mixture) - expected) < 1e-9


def test_damping_has_no_unitary_part_and_dephasing_has_no_other() -> None:
    damping = simple(amplitude_damping_error(0.1))
    assert [part.ndim for part in damping.parts] == [3]
    dephasing = simple(phase_damping_error(0.1))
    assert dephasing.is_unitary
    assert dephasing.is_diagonal
    assert np.allclose(abs(dephasing.parts[0]), np.eye(2))
    assert np.allclose(dephasing.parts[1], np.diag([1, -1]))


def test_a_mixture_of_unitary_matrices_stays_one_and_equal_ones_are_merged() -> None:
    one, other = random_unitary(4, seed=1).data, random_unitary(4, seed=2).data
    matrices = (other, 1j * one, one, -other, one * np.exp(0.3j))
    weights = np.array([0.1, 0.2, 0.3, 0.15, 0.25])
    mixture = simplified(Mixture(weights, tuple(part[None] for part in matrices)))
    check_mixture(mixture)
    assert np.allclose(mixture.probabilities, [0.75, 0.25])
    overlaps = [
        abs(np.trace(mixture.parts[0].conj().T @ one)),
        abs(np.vdot(mixture.parts[1], other)),
    ]
    assert np.allclose(overlaps, 4)


def test_kraus_operators_that_are_unitary_are_parts_as_they_are() -> None:
    """Two unitary operators that are not orthogonal: the Choi matrix has other eigenvectors."""
    one, other = np.diag([1, np.exp(0.1j)]), random_unitary(2, seed=5).data
    rest = np.sqrt(0.3) * kraus_of(amplitude_damping_error(0.4))
    operators = [math.sqrt(0.6) * one, math.sqrt(0.1) * other, *rest]
    mixture = simplified(Mixture(np.ones(1), (np.array(operators),)))
    check_mixture(mixture)
    assert np.allclose(mixture.probabilities, [0.6, 0.1, 0.3], rtol=0, atol=1e-14)
    assert np.allclose(mixture.parts[0], one)
    assert abs(np.vdot(mixture.parts[1], other)) > 2 - 1e-12
    assert abs(superop(mixture).data - SuperOp(Kraus(operators)).data).max() < 1e-12


def test_matrices_that_differ_by_little_are_not_merged() -> None:
    turn = np.diag([1, np.exp(1e-6j)])
    mixture = simplified(Mixture(np.array([0.5, 0.5]), (np.eye(2)[None] + 0j, turn[None])))
    assert len(mixture.parts) == 2


def test_parts_that_are_known_keep_their_probabilities() -> None:
    channels = [reset_error(1.0), coherent_unitary_error(random_unitary(2, seed=4))]
    mixture = simple(*channels, weights=(0.3, 0.7))
    assert np.allclose(mixture.probabilities, [0.7, 0.3])
    assert [part.ndim for part in mixture.parts] == [2, 3]


def test_a_channel_on_many_qubits_is_left_as_it_is() -> None:
    reset = np.array([[[1, 0], [0, 0]], [[0, 1], [0, 0]]], dtype=complex)
    operators = np.kron(np.eye(32), reset)
    mixture = simplified(Mixture(np.ones(1), (operators,)))
    check_mixture(mixture)
    assert len(mixture.parts) == 1
    assert np.array_equal(mixture.parts[0], operators)


def test_kraus_operators_of_a_choi_matrix_are_as_few_as_its_rank() -> None:
    operators = kraus_of(random_quantum_channel(4, rank=3, seed=5))
    found = operators_of(choi_of(operators))
    assert len(found) == 3
    assert np.allclose(choi_of(found), choi_of(operators), rtol=0, atol=1e-14)
