"""Sums of strings applied to vectors, against NumPy and in parts."""

from __future__ import annotations

import numpy as np
import pytest
from applied_strings import apply_sum

from simquay.engine_api import Strings
from simquay_numba.kernels.strings.doubles import GROUP_BITS
from simquay_numba.kernels.strings.sums import add_strings, sort_keys


@pytest.mark.parametrize("width", [GROUP_BITS, 6, 12])
@pytest.mark.parametrize("letters", ["x", "z", "xz", "all"])
@pytest.mark.parametrize("single", [False, True])
def test_parts_add_up(width, letters, single):
    rng = np.random.default_rng(width)
    some = rng.integers(0, 1 << width, (4, 30))
    fixed = some[0] & some[1] if letters == "all" else np.zeros(30, dtype=np.int64)
    fixed[::3] = 0
    x = np.where(np.arange(30) % 4, some[2] & ~fixed, 0)
    x[::5] = 1 << width - 1 & ~fixed[::5]
    if letters == "z":
        x[:] = 0
    z = np.zeros(30, dtype=np.int64) if letters == "x" else some[3] & ~fixed
    strings = Strings(x, z, fixed, some[1] & fixed)
    weights = rng.uniform(-1, 1, 30)
    dtype = np.complex64 if single else np.complex128
    real = np.float32 if single else np.float64
    vectors = (rng.normal(size=(2, 1 << width)) + 1j * rng.normal(size=(2, 1 << width))).astype(
        dtype
    )
    target = np.zeros_like(vectors)
    keys = sort_keys(strings.x, strings.z, strings.fixed)
    order = np.argsort(keys)
    for part in range(3):
        add_strings(vectors.view(real), target.view(real), keys, order, *strings, weights, part, 3)
    for vector, found in zip(vectors, target, strict=True):
        np.testing.assert_allclose(
            found, apply_sum(vector, strings, weights), atol=1e-4 if single else 1e-12
        )


def test_keys_tell_groups_apart() -> None:
    x = np.array([5, 5, 5, 4, 5])
    z = np.array([2, 1, 5, 2, 2])
    keys = sort_keys(x, z, np.array([0, 0, 0, 0, 8]))
    assert keys[0] == keys[2]  # none of them, and both of them, are Y
    assert len(set(keys.tolist())) == 4
