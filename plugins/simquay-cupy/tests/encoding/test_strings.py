"""Groups of strings: what the kernel would make of them, in NumPy."""

from __future__ import annotations

import numpy as np

from simquay.engine_api import Strings
from simquay_cupy.encoding.strings import LARGE_GROUP, SMALL_GROUP, encode_strings


def test_groups_give_the_means_by_the_definition() -> None:
    rng = np.random.default_rng(3)
    width, terms = 6, 700
    index = np.arange(1 << width)
    vector = rng.normal(size=1 << width) + 1j * rng.normal(size=1 << width)
    x = rng.choice([0, 1, 0b101, 0b100110], terms)
    fixed = np.where(rng.random(terms) < 0.1, rng.integers(0, 1 << width, terms) & ~x, 0)
    z, values = rng.integers(0, 1 << width, (2, terms))
    strings = Strings(x, z & ~fixed, fixed, values & fixed)
    expected = np.empty(terms)
    for term, (flip, sign, some, value) in enumerate(np.transpose(strings).tolist()):
        kept = index[index & some == value]
        signs = (-1.0) ** np.array([(i & sign).bit_count() for i in kept.tolist()])
        total = (vector[kept ^ flip].conj() * vector[kept] * signs).sum()
        expected[term] = (1j ** (flip & sign).bit_count() * total).real

    encoded = encode_strings(strings, width)
    found = np.empty(terms)
    seen = 0
    for flip, low, odd, size, first, count in encoded.groups.astype(np.int64).tolist():
        assert first == seen
        seen += count
        assert count <= LARGE_GROUP
        j = np.arange(size)
        i = (j & ~low) << 1 | j & low
        products = vector[i ^ flip].conj() * vector[i]
        part = products.imag if odd else products.real
        for number in range(first, seen):
            sign, some, value = encoded.masks[number].astype(np.int64)
            assert count <= SMALL_GROUP or not some
            signs = (-1.0) ** np.array([int(one & sign).bit_count() for one in j])
            total = (part * signs)[j & some == value].sum()
            found[encoded.order[number]] = total * encoded.scales[number]
    assert seen == terms
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_no_strings_have_no_groups() -> None:
    none = np.zeros(0, dtype=np.int64)
    encoded = encode_strings(Strings(none, none, none, none), 3)
    assert len(encoded.groups) == len(encoded.order) == len(encoded.masks) == 0
