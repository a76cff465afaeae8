"""How a map on several qubits is taken apart into maps on fewer.

A noisy gate on two qubits is mostly followed by depolarizing of both, and by the relaxation of
each: three channels, of which none needs Kraus operators on two qubits.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from simquay.noise.decomposition import (
    EXACT,
    ZERO,
    choi_of,
    closest_unitary,
    operators_of,
    reshuffled,
    simplified,
)
from simquay.noise.model import Placed
from simquay.program.channels import Mixture, pauli_matrices
from simquay.program.formulas import ComplexArray

__all__ = ["factors"]

_MOST_QUBITS = 3
"""Maps on more qubits are not taken for products."""

_Factor = tuple[NDArray[np.float64], tuple[int, ...]]
"""A Pauli transfer matrix, and its qubits."""


def factors(mixture: Mixture) -> tuple[Placed, ...]:
    """A map on several qubits as maps on fewer, one after the other, where it is such a product:
    of maps on one qubit each, alone, or before or after a channel of Pauli matrices on all qubits;
    all that, behind a unitary map. Identities are left out. Where it is no such product, the
    mixture itself.
    """
    num_qubits = mixture.num_qubits
    if 1 < num_qubits <= _MOST_QUBITS:
        operators = [
            np.sqrt(probability) * part.reshape(-1, *part.shape[-2:])
            for probability, part in zip(mixture.probabilities, mixture.parts, strict=True)
        ]
        for product in _products(choi_of(np.concatenate(operators)), num_qubits):
            found = [
                (_mixture(one), places)
                for one, places in product
                if abs(one - np.eye(len(one))).max() > ZERO
            ]
            placed = tuple((one, places) for one, places in found if one is not None)
            if len(placed) == len(found):
                return placed
    return ((mixture, tuple(range(num_qubits))),)


def _transfer(choi: ComplexArray) -> NDArray[np.float64]:
    """The Pauli transfer matrix of a Choi matrix."""
    size = isqrt(len(choi))
    paulis = pauli_matrices(size.bit_length() - 1).reshape(size**2, -1)
    transfer: NDArray[np.float64] = (paulis.conj() @ reshuffled(choi) @ paulis.T).real / size
    return transfer


def _mixture(transfer: NDArray[np.float64]) -> Mixture | None:
    """The mixture of a Pauli transfer matrix; None if the map is not completely positive."""
    size = isqrt(len(transfer))
    paulis = pauli_matrices(size.bit_length() - 1).reshape(size**2, -1)
    choi = reshuffled(paulis.T @ transfer @ paulis.conj()) / size
    if np.linalg.eigvalsh(choi)[0] < -EXACT:
        return None
    return simplified(Mixture(np.ones(1), (operators_of(choi),)))


def _products(choi: ComplexArray, num_qubits: int) -> Iterator[list[_Factor]]:
    """Maps whose product has this Choi matrix, the first to act first; they need not be completely
    positive. None where the map is a mixture of unitary ones, which is best left as it is."""
    every = tuple(range(num_qubits))
    whole = _transfer(choi)
    for unitary in (np.eye(2**num_qubits, dtype=np.complex128), closest_unitary(choi)):
        turn = _transfer(choi_of(unitary[None]))
        transfer = whole @ turn.T
        if abs(transfer - np.diag(np.diag(transfer))).max() < ZERO:
            return
        for product in _local_products(transfer, num_qubits):
            (first, places), *others = product
            if places == every:
                yield [(first @ turn, every), *others]
            else:
                yield [(turn, every), *product]


def _local_products(transfer: NDArray[np.float64], num_qubits: int) -> Iterator[list[_Factor]]:
    """Products of maps on one qubit each, and of a channel of Pauli matrices before or behind."""
    marginals = [
        transfer[:: 4**qubit, :: 4**qubit][:4, :4] for qubit in range(num_qubits)
    ]  # of one qubit, where the others are completely mixed
    if abs(_kron(marginals) - transfer).max() < EXACT:
        yield [(one, (qubit,)) for qubit, one in enumerate(marginals)]
        return
    for single, first in _gauges(transfer, marginals):
        together = _kron(single)
        if np.linalg.cond(together) > 1e6:
            continue
        inverse = np.linalg.inv(together)
        paulis = np.diag(np.diag(inverse @ transfer if first else transfer @ inverse))
        product = together @ paulis if first else paulis @ together
        if abs(product - transfer).max() < EXACT:
            ends = [(paulis, tuple(range(num_qubits)))]
            placed = [(one, (qubit,)) for qubit, one in enumerate(single)]
            yield [*ends, *placed] if first else [*placed, *ends]


def _kron(matrices: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    whole: NDArray[np.float64] = np.ones((1, 1))
    for matrix in matrices:
        size = len(matrix) * len(whole)
        whole = np.einsum("ij,kl->ikjl", matrix, whole).reshape(size, size)
    return whole


def _gauges(
    transfer: NDArray[np.float64], marginals: list[NDArray[np.float64]]
) -> Iterator[tuple[list[NDArray[np.float64]], bool]]:
    """Which maps on one qubit there may be, and whether the channel of Pauli matrices is first.

    The marginals are products of both. Which part of a marginal is whose is known for depolarizing
    of strength ``1 - f``: with transfer matrices ``M``, of the whole and of the marginals,
    ``f = M[R,P] M[S,Q] / M[RS,PQ]`` for any Pauli matrices R, P, S, Q but the identity for which
    none is 0. For other channels, the map on one qubit is taken for a partial reset, the least
    noise that moves the completely mixed state as the marginal does.
    """
    single = np.kron(marginals[1], marginals[0])[5:, 5:]
    places = np.arange(5, 16) % 4 > 0
    usable = abs(single) * np.outer(places, places)
    best = np.unravel_index(np.argmax(usable), usable.shape)
    both = transfer[5:16, 5:16][best]
    kept = single[best] / both if both else 0.0
    if 0 < kept < 1:
        scale = np.diag([1, 1 / kept, 1 / kept, 1 / kept])
        yield [one @ scale for one in marginals], True
        yield [scale @ one for one in marginals], False
    for first in (True, False):
        resets = []
        for one in marginals:
            axis = 1 + int(np.argmax(abs(one[1:, 0])))
            moved = one[axis, 0] / (1 if first else abs(one[axis, 0]) + abs(one[axis, axis]) or 1)
            reset = np.diag([1.0, *[1 - abs(moved)] * 3])
            reset[axis, 0] = moved
            resets.append(reset)
        yield resets, first
