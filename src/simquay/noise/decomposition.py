"""How a channel is taken apart into unitary parts, and the rest.

The probabilities of unitary parts do not depend on the state, which makes them cheap to run. A
channel is known by its Choi matrix, the sum of ``v v†`` over its Kraus operators ``K``, where ``v``
has the entries of ``K`` row after row. Of any channel ``E`` and unitary ``U``,
``E = c U + (1 - c) R`` with a channel ``R`` as long as ``c v v†`` is at most the Choi matrix ``C``.
The greatest such ``c`` is ``1 / (v† C⁺ v)``, where ``v`` is in the range of ``C``, and else 0: by
the Schur complements of the block matrix of ``C``, ``v`` and ``1 / c``, ``C - c v v†`` is positive
if and only if ``c v† C⁺ v <= 1``.
"""

from __future__ import annotations

from math import isqrt

import numpy as np

from simquay.program.channels import Mixture, pauli_matrices
from simquay.program.formulas import ComplexArray, freeze

__all__ = [
    "EXACT",
    "ZERO",
    "choi_of",
    "closest_unitary",
    "decomposed",
    "normalized",
    "operators_of",
    "reshuffled",
    "simplified",
]

EXACT = 1e-12
"""The greatest difference, in any entry of the Choi matrix, between a channel and its parts."""

_NOISE = 1e-14
"""Numbers below this are rounding errors of numbers around 1."""

ZERO = 1e-13
"""The greatest entry of a block of a Choi matrix or transfer matrix that is taken for zero."""

_LEAST = 1e-9
"""A unitary part of less weight is no use where the rest has to know the state anyway."""

_MOST_QUBITS = 5
"""Channels on more qubits are left as they are: a Choi matrix has ``16**k`` entries."""

_Part = tuple[float, ComplexArray]


def choi_of(operators: ComplexArray) -> ComplexArray:
    """The Choi matrix of Kraus operators of shape ``(n, d, d)``: shape ``(d**2, d**2)``."""
    vectors = operators.reshape(len(operators), -1)
    choi: ComplexArray = vectors.T @ vectors.conj()
    return choi


def normalized(operators: ComplexArray) -> ComplexArray:
    """Kraus operators that are trace-preserving but for rounding, times the inverse square root of
    the sum of ``K† K``: exactly trace-preserving."""
    values, vectors = np.linalg.eigh(np.einsum("aji,ajk->ik", operators.conj(), operators))
    exact: ComplexArray = operators @ (vectors / np.sqrt(values) @ vectors.conj().T)
    return exact


def reshuffled(matrix: ComplexArray) -> ComplexArray:
    """The matrix of the map on matrices row after row, of a Choi matrix; and the other way."""
    size = isqrt(len(matrix))
    map_or_choi: ComplexArray = matrix.reshape([size] * 4).transpose(0, 2, 1, 3)
    return map_or_choi.reshape(matrix.shape)


def closest_unitary(choi: ComplexArray) -> ComplexArray:
    """The unitary matrix closest to the heaviest Kraus operator."""
    size = isqrt(len(choi))
    left, _, right = np.linalg.svd(np.linalg.eigh(choi)[1][:, -1].reshape(size, size))
    unitary: ComplexArray = left @ right
    return unitary


def operators_of(choi: ComplexArray) -> ComplexArray:
    """Kraus operators of a Choi matrix, orthogonal to each other, the heaviest first.

    Eigenvectors are taken within blocks: where eigenvalues of several blocks are equal, those of
    the whole matrix would be any combinations, other ones on another machine.
    """
    linked = (abs(choi) > _NOISE) | np.eye(len(choi), dtype=bool)
    while (more := linked.astype(np.float32) @ linked > 0).sum() > linked.sum():
        linked = more
    first = np.argmax(linked, axis=1)
    found: list[_Part] = []
    for start in np.unique(first):
        block = np.flatnonzero(first == start)
        values, vectors = np.linalg.eigh(choi[np.ix_(block, block)])
        for index in np.flatnonzero(values > _NOISE)[::-1]:
            whole = np.zeros(len(choi), dtype=np.complex128)
            whole[block] = np.sqrt(values[index]) * vectors[:, index]
            found.append((float(values[index]), whole))
    size = isqrt(len(choi))
    return np.array([vector for _, vector in sorted(found, key=_rank)]).reshape(-1, size, size)


def _rank(part: _Part) -> float:
    """For sorting by weight, the greatest first; equal ones stay in order, but for rounding."""
    return -round(part[0], 12)


def simplified(mixture: Mixture) -> Mixture:
    """The same map with parts as :class:`Mixture` has them: unitary ones where there are any, those
    that differ by a phase alone as one, the most likely one first, and equally likely ones in the
    order of their Pauli matrices, or in that in which they are given."""
    parts: list[_Part] = []
    for probability, part in zip(mixture.probabilities, mixture.parts, strict=True):
        found = decomposed(part.reshape(-1, *part.shape[-2:]))
        parts += [(probability * weight, one) for weight, one in found]
    merged = _merged([part for part in parts if part[1].ndim == 2])
    ordered = sorted(merged, key=_rank)
    ordered += [part for part in parts if part[1].ndim == 3]
    matrices = [_cleaned(part) for _, part in ordered]
    probabilities = np.array([probability for probability, _ in ordered])
    off_diagonal = ~np.eye(matrices[0].shape[-1], dtype=bool)
    return Mixture(
        probabilities / probabilities.sum(),
        tuple(matrices),
        not any(part[..., off_diagonal].any() for part in matrices),
    )


def _unitary_operators(operators: ComplexArray) -> tuple[list[_Part], ComplexArray]:
    """The Kraus operators that are multiples of unitary matrices, and the others."""
    size = operators.shape[-1]
    squares = operators.conj().swapaxes(1, 2) @ operators
    each = np.trace(squares, axis1=1, axis2=2).real / size
    differences = abs(squares - each[:, None, None] * np.eye(size)).max(axis=(1, 2))
    # Those of little weight have few exact digits.
    is_unitary = (differences < ZERO) & (differences < 1e-8 * each)
    found = []
    for weight, operator in zip(each[is_unitary], operators[is_unitary], strict=True):
        unitary = operator / np.sqrt(weight)
        found.append((float(weight), unitary if weight > 0.1 else normalized(unitary[None])[0]))
    return found, operators[~is_unitary]


def _cleaned(part: ComplexArray) -> ComplexArray:
    """A read-only copy without rounding errors of zeros."""
    copy = np.array(part, dtype=np.complex128, order="C")
    copy.real[abs(copy.real) < _NOISE] = 0
    copy.imag[abs(copy.imag) < _NOISE] = 0
    return freeze(copy)


def _merged(parts: list[_Part]) -> list[_Part]:
    """Unitary matrices, each with a phase of its own choice; equal ones as one."""
    if not parts:
        return []
    vectors = np.array([part.ravel() for _, part in parts])
    # An entry of at least 1 / sqrt(d) is in each row; the first of about this size is made real.
    size = isqrt(vectors.shape[1])
    first = np.argmax(abs(vectors) > 0.7 / np.sqrt(size), axis=1)
    phases = vectors[np.arange(len(vectors)), first]
    vectors = vectors * (phases.conj() / abs(phases))[:, None]
    close = abs(vectors @ vectors.conj().T) > size * (1 - EXACT)
    weights: dict[int, float] = {}
    for index, (probability, _) in enumerate(parts):
        other = int(np.argmax(close[index]))
        same = other if abs(vectors[index] - vectors[other]).max() < EXACT else index
        weights[same] = weights.get(same, 0.0) + probability
    return [(weight, vectors[index].reshape(size, size)) for index, weight in weights.items()]


def decomposed(operators: ComplexArray) -> list[_Part]:
    """The parts of a channel of Kraus operators ``(n, d, d)``: unitary matrices, and the Kraus
    operators of at most one map that is none; each with its probability.

    A channel of Pauli matrices times a unitary one is found as such. A channel on one qubit that
    mixes neither populations with coherences (relaxation, damping, dephasing; times a unitary one)
    has the greatest possible weight of all unitary parts together. Of all others, those operators
    are parts that are multiples of unitary matrices; and the rest has the greatest possible weight
    of one more, the identity or the one closest to the heaviest operator.
    """
    size = operators.shape[-1]
    found, others = _unitary_operators(operators)
    if not len(others):
        return found
    if size > 2**_MOST_QUBITS:
        return [*found, _rest(others)]
    choi = choi_of(operators)
    frames = [np.eye(size, dtype=np.complex128), closest_unitary(choi)]
    for frame in frames:
        known = _pauli_parts(choi, frame) or (_covariant_parts(choi, frame) if size == 2 else [])
        if known:
            found = [(weight, unitary) for weight, unitary in known if weight > _NOISE]
            break
    else:
        more = [part for frame in frames for part in _heaviest_part(choi_of(others), frame)]
        found += sorted(more, key=lambda part: part[0])[-1:]
    left = choi - sum((weight * choi_of(unitary[None]) for weight, unitary in found), 0 * choi)
    if np.trace(left).real > size * ZERO:
        rare = operators_of(left)
        unitary, others = _unitary_operators(rare)
        found += [_rest(rare)] if len(others) else unitary
    sums = sum(weight * choi_of(part.reshape(-1, size, size)) for weight, part in found)
    return found if abs(sums - choi).max() < EXACT else [_rest(operators_of(choi))]


def _rest(operators: ComplexArray) -> _Part:
    """A multiple of a channel as one part."""
    weight = float(np.linalg.norm(operators) ** 2) / operators.shape[-1]
    return weight, normalized(operators / np.sqrt(weight))


def _pauli_parts(choi: ComplexArray, frame: ComplexArray) -> list[_Part]:
    """A channel whose Kraus operators are Pauli matrices times ``frame``; empty if it is none."""
    size = len(frame)
    unitaries = pauli_matrices(size.bit_length() - 1) @ frame
    vectors = unitaries.reshape(len(unitaries), -1) / size
    weights = vectors.conj() @ choi @ vectors.T
    if abs(weights - np.diag(np.diag(weights))).max() > ZERO:
        return []
    return list(zip(np.diag(weights).real.tolist(), unitaries, strict=True))


def _covariant_parts(choi: ComplexArray, frame: ComplexArray) -> list[_Part]:
    """The unitary parts of a channel on one qubit that does not mix populations with coherences.

    Its Choi matrix has two blocks: of diagonal operators and of those with a zero diagonal. In the
    block ``[[p, g], [g*, q]]`` there are two unitary operators with the phase of ``g``, ``(1, s)``
    and ``(1, -s)``. Both together have the weight ``min(p, q)`` if ``|g|`` is not above that; else
    there is the first alone.
    """
    turn = np.kron(np.eye(2), frame.conj())
    turned = turn @ choi @ turn.conj().T
    blocks = [0, 3], [1, 2]
    if abs(turned[np.ix_(*blocks)]).max() > ZERO:
        return []
    parts: list[_Part] = []
    for block in blocks:
        (more, coherence), (_, less) = turned[np.ix_(block, block)]
        more, less = sorted((more.real, less.real), reverse=True)
        strength = abs(coherence)
        if strength <= less + _NOISE:
            weights = [(less + strength) / 2, (less - strength) / 2]
        else:  # 1 / (v† C⁺ v), without the difference of products of almost equal numbers
            above, below = more - strength, strength - less
            greatest = strength - above * below / (above - below)
            weights = [greatest if greatest > _LEAST else 0.0]
        phase = coherence.conj() / strength if strength > _NOISE else 1.0
        for weight, sign in zip(weights, (1, -1), strict=False):
            unitary = np.zeros(4, dtype=np.complex128)
            unitary[block] = 1, sign * phase
            parts.append((float(weight), unitary.reshape(2, 2) @ frame))
    return parts


def _heaviest_part(choi: ComplexArray, unitary: ComplexArray) -> list[_Part]:
    """The greatest multiple ``c`` of ``unitary`` for which ``choi - c v v†`` is positive; empty if
    that is next to nothing."""
    values, vectors = np.linalg.eigh(choi)
    kept, vector = values > _NOISE, unitary.ravel()
    inside = abs(vectors.conj().T @ vector) ** 2
    if inside[~kept].sum() > EXACT**2:
        return []
    weight = 1 / float((inside[kept] / values[kept]).sum())
    for _ in range(3):  # small eigenvalues have few exact digits: Newton steps on what is left
        lowest, states = np.linalg.eigh(choi - weight * np.outer(vector, vector.conj()))
        overlap = abs(states[:, 0].conj() @ vector) ** 2
        if lowest[0] >= -_NOISE / 10 or overlap < EXACT:
            break
        weight += lowest[0] / overlap
    return [(weight, unitary)] if weight > _LEAST else []
