"""Merged groups multiply by the same factors as the groups that they are made of."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from simquay.engine_api import DiagonalGroup, DiagonalStage, DiagonalTerm
from simquay_numba.assembly import merging
from simquay_numba.assembly.diagonals import group_keys, lanes_alike
from simquay_numba.assembly.merging import Pair, merged
from simquay_numba.kernels.vectors import BLOCK_BYTES

BITS = 14


def random_groups(rng: np.random.Generator, count: int) -> list[Pair]:
    """Groups on up to six bits; some with a mask, some that depend on the tile."""
    groups = []
    for _ in range(count):
        bits = tuple(sorted(rng.choice(BITS, int(rng.integers(0, 7)), replace=False).tolist()))
        outer = (1,) if rng.random() < 0.2 else ()
        table = np.exp(1j * rng.normal(size=1 << len(bits) + len(outer)))
        mask = 0
        if rng.random() < 0.2:
            mask = sum(1 << bit for bit in range(BITS) if bit not in bits and rng.random() < 0.2)
        value = mask & int(rng.integers(0, 1 << BITS))
        term = DiagonalTerm(tuple(range(len(bits))), outer, table)
        groups.append(DiagonalGroup(bits, (term,), mask, value))
    return list(map(Pair, group_keys(DiagonalStage(tuple(groups))), groups))


def factors(pairs: list[Pair]) -> NDArray[np.complex128]:
    """What each local index is multiplied by, in the tile whose outer bit is 0."""
    index = np.arange(1 << BITS)
    product = np.ones(1 << BITS, dtype=np.complex128)
    for key, group in pairs:
        assert (key.bits, key.mask, key.value) == (
            group.bits,
            group.local_mask,
            group.local_value,
        )
        entry = np.zeros_like(index)
        for place, bit in enumerate(group.bits):
            entry |= (index >> bit & 1) << place
        own = group.terms[0].table[entry]
        product *= np.where(index & group.local_mask == group.local_value, own, 1)
    return product


@pytest.mark.parametrize("compact", [False, True])
@pytest.mark.parametrize(("lanes", "real_bytes"), [(4, 4), (3, 8), (1, 8)])
@pytest.mark.parametrize("seed", range(20))
def test_the_same_factors_in_fewer_groups(
    seed: int, lanes: int, real_bytes: int, compact: bool
) -> None:
    rng = np.random.default_rng(seed)
    pairs = random_groups(rng, int(rng.integers(0, 12)))
    before = [group.terms[0].table.copy() for _, group in pairs]
    found = merged(pairs, lanes, real_bytes, compact)
    np.testing.assert_allclose(factors(found), factors(pairs), rtol=1e-12)
    assert len(found) <= len(pairs)
    for table, (_, group) in zip(before, pairs, strict=True):
        np.testing.assert_array_equal(group.terms[0].table, table)  # nobody writes to a stage
    for key, group in found:
        if all(group is not other for _, other in pairs):
            assert key.terms is None
            entries = 1 << len([bit for bit in key.bits if bit >= lanes])
            alike = compact and lanes_alike(key, lanes)
            entry_bytes = 2 * real_bytes if alike else BLOCK_BYTES
            assert entries * entry_bytes <= merging._TABLE_BYTES


def test_nine_groups_of_a_fourier_transform_become_four() -> None:
    rng = np.random.default_rng(0)
    wanted: list[tuple[int, ...]] = [
        (1, 2, 10, 11, 13, 14),
        (2, 3, 10, 11, 12, 15),
        (3, 4, 10, 11, 13, 14),
    ]
    wanted += [(4, 5, 10, 11, 12, 15), (5, 6, 10, 11, 13, 14), (6, 7, 10, 11, 12, 15)]
    wanted += [(7, 8, 10, 11, 13, 14), (8, 9, 10, 11, 12, 15), (9, 13, 14)]
    groups = []
    for bits in wanted:
        table = rng.random(1 << len(bits)).astype(np.complex128)
        groups.append(DiagonalGroup(bits, (DiagonalTerm(tuple(range(len(bits))), (), table),)))
    pairs = list(map(Pair, group_keys(DiagonalStage(tuple(groups))), groups))
    assert len(merged(pairs, 4, 4, True)) <= 4  # fewer where blocks are smaller
