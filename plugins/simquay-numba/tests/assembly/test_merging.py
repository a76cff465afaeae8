"""Merged groups multiply by the same factors as the groups that they are made of."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from simquay_numba.assembly import merging
from simquay_numba.assembly.diagonals import GroupKey, lanes_alike
from simquay_numba.assembly.merging import Indices, Pair, merged
from simquay_numba.kernels.vectors import BLOCK_BYTES

BITS = 14


def random_groups(rng: np.random.Generator, count: int) -> tuple[list[Pair], int]:
    """Groups on up to six bits; some with a mask, some that depend on the tile. And how many
    numbers they have."""
    groups = []
    start = 0
    for _ in range(count):
        bits = tuple(sorted(rng.choice(BITS, int(rng.integers(0, 7)), replace=False).tolist()))
        outer = (1,) if rng.random() < 0.2 else ()
        table = start + np.arange(1 << len(bits) + len(outer))
        start += len(table)
        mask = 0
        if rng.random() < 0.2:
            mask = sum(1 << bit for bit in range(BITS) if bit not in bits and rng.random() < 0.2)
        value = mask & int(rng.integers(0, 1 << BITS))
        terms = ((tuple(range(len(bits))), outer, 0, 0),) if outer else None
        groups.append(Pair(GroupKey(bits, mask, value, terms), ((table,),)))
    return groups, start


def factors(pairs: list[Pair], numbers: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """What each local index is multiplied by, in the tile whose outer bit is 0."""
    index = np.arange(1 << BITS)
    product = np.ones(1 << BITS, dtype=np.complex128)
    for key, (table,) in pairs:
        entry = np.zeros_like(index)
        for place, bit in enumerate(key.bits):
            entry |= (index >> bit & 1) << place
        own = np.prod([numbers[indices] for indices in table], axis=0)[entry]
        product *= np.where(index & key.mask == key.value, own, 1)
    return product


@pytest.mark.parametrize("compact", [False, True])
@pytest.mark.parametrize(("lanes", "real_bytes"), [(4, 4), (3, 8), (1, 8)])
@pytest.mark.parametrize("seed", range(20))
def test_the_same_factors_in_fewer_groups(
    seed: int, lanes: int, real_bytes: int, compact: bool
) -> None:
    rng = np.random.default_rng(seed)
    pairs, count = random_groups(rng, int(rng.integers(0, 12)))
    numbers = np.exp(1j * rng.normal(size=count))
    found = merged(pairs, lanes, real_bytes, compact)
    np.testing.assert_allclose(factors(found, numbers), factors(pairs, numbers), rtol=1e-12)
    assert len(found) <= len(pairs)
    for key, tables in found:
        if all(tables is not other for _, other in pairs):
            assert key.terms is None
            entries = 1 << len([bit for bit in key.bits if bit >= lanes])
            alike = compact and lanes_alike(key, lanes)
            entry_bytes = 2 * real_bytes if alike else BLOCK_BYTES
            assert entries * entry_bytes <= merging._TABLE_BYTES


def test_nine_groups_of_a_fourier_transform_become_four() -> None:
    wanted: list[tuple[int, ...]] = [
        (1, 2, 10, 11, 13, 14),
        (2, 3, 10, 11, 12, 15),
        (3, 4, 10, 11, 13, 14),
    ]
    wanted += [(4, 5, 10, 11, 12, 15), (5, 6, 10, 11, 13, 14), (6, 7, 10, 11, 12, 15)]
    wanted += [(7, 8, 10, 11, 13, 14), (8, 9, 10, 11, 12, 15), (9, 13, 14)]
    pairs = []
    for bits in wanted:
        table: Indices = np.arange(1 << len(bits))
        pairs.append(Pair(GroupKey(bits, 0, 0, None), ((table,),)))
    assert len(merged(pairs, 4, 4, True)) <= 4  # fewer where blocks are smaller
