"""Sums of strings against matrices."""

from __future__ import annotations

from functools import reduce

import numpy as np
import pytest
from qiskit.quantum_info import Pauli

from simquay.engines.numpy import sums
from simquay.engines.numpy.sums import add_strings
from simquay.program import Strings

LETTERS = {one: Pauli(one).to_matrix() for one in "IXYZ"} | {
    "0": np.diag([1, 0]),
    "1": np.diag([0, 1]),
}


@pytest.mark.parametrize("block_bits", [2, 3, 14])
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("letters", ["IZ01", "IXYZ01", "IZIX"])
def test_sums(monkeypatch, block_bits, threads, letters):
    monkeypatch.setattr(sums, "_BLOCK_BITS", block_bits)
    rng = np.random.default_rng(block_bits)
    chosen = rng.choice([*letters], (30, 6))
    weights = rng.uniform(-1, 1, 30)
    vectors = rng.normal(size=(3, 64)) + 1j * rng.normal(size=(3, 64))
    matrix = sum(
        weight * reduce(np.kron, [LETTERS[one] for one in row[::-1]])
        for weight, row in zip(weights, chosen, strict=True)
    )
    bits = 1 << np.arange(6)
    strings = Strings(*[np.isin(chosen, [*some]) @ bits for some in ("XY", "YZ", "01", "1")])
    target = np.ones_like(vectors)
    add_strings(vectors, target, strings, weights, threads)
    np.testing.assert_allclose(target, 1 + vectors @ np.transpose(matrix), atol=1e-12)


def test_no_strings_change_nothing():
    none = np.zeros(0, dtype=np.int64)
    target = np.zeros((1, 8), dtype=complex)
    add_strings(
        np.ones((1, 8), dtype=complex), target, Strings(none, none, none, none), np.zeros(0)
    )
    assert not target.any()


def test_single_precision():
    x, none = np.array([0, 1, 6]), np.zeros(3, dtype=np.int64)
    vectors = np.random.default_rng(0).normal(size=(2, 8)).astype(np.complex64)
    target = np.zeros_like(vectors)
    add_strings(vectors, target, Strings(x, none, none, none), np.array([1.0, 2.0, -3.0]))
    index = np.arange(8)
    wanted = vectors + 2 * vectors[:, index ^ 1] - 3 * vectors[:, index ^ 6]
    np.testing.assert_allclose(target, wanted, rtol=1e-6)
