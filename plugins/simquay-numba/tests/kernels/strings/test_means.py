"""Sums of products for means of strings, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from simquay_numba.kernels.strings.doubles import GROUP_BITS
from simquay_numba.kernels.strings.means import add_means
from simquay_numba.kernels.strings.sums import sort_keys


def strings(rng: np.random.Generator, width: int, terms: int, fixed_bits: bool) -> list[np.ndarray]:
    """``terms`` strings of one ``x`` and one parity of ``x & z``."""
    x = np.full(terms, rng.integers(0, 1 << width))
    fixed = rng.integers(0, 1 << width, terms) & ~x if fixed_bits else np.zeros(terms, np.int64)
    z = rng.integers(0, 1 << width, terms) & ~fixed
    return [x, z, fixed, rng.integers(0, 1 << width, terms) & fixed]


def expected(vector: np.ndarray, x: int, z: int, fixed: int, values: int) -> float:
    index = np.arange(len(vector))
    index = index[index & fixed == values]
    signs = (-1.0) ** np.array([int(i & z).bit_count() for i in index])
    products = vector[index ^ x].conj() * vector[index] * signs
    return float((1j ** int(x & z).bit_count() * products.sum()).real)


@pytest.mark.parametrize("single", [False, True])
@pytest.mark.parametrize("fixed_bits", [False, True])
def test_parts_of_a_group_add_up_to_its_means(single: bool, fixed_bits: bool) -> None:
    rng = np.random.default_rng(int(single))
    real, size = (np.float32, 8) if single else (np.float64, 16)
    for width in (GROUP_BITS, 5, 12, 13):
        for terms in (1, 5, 40):
            masks = strings(rng, width, terms, fixed_bits)
            vectors = (rng.normal(size=(2, 3 << width, 2)).astype(real)).view(f"c{size}")[..., 0]
            keys = sort_keys(*masks[:3])
            assert set(keys & 1) <= ({0, 1} if fixed_bits else {0})
            given = (real(0), size, vectors.ctypes.data, vectors.strides[0], width)
            found = np.zeros((2, terms))
            for part in range(3):
                add_means(*given, keys, np.argsort(keys), *masks, part, 3, found)
            wanted = [
                [expected(row[: 1 << width].astype(complex), *one) for one in np.transpose(masks)]
                for row in vectors
            ]
            np.testing.assert_allclose(found, wanted, atol=1e-9)
