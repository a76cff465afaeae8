"""Matrices on every kind of bits, in every form, against the interpreter of tiled plans."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray
from stage_passes import ACTIVE, BOTH, CONDITIONS, LOCAL, STORE, WIDTH, compare, factors

from simquay.engine_api import (
    ALWAYS,
    Condition,
    DenseStage,
    DiagonalGroup,
    DiagonalStage,
    DiagonalTerm,
    Form,
    Precision,
    Round,
    Stage,
    TilePass,
)
from simquay.testing.engines import random_unitary
from simquay_numba.assembly.assemble import assemble
from simquay_numba.kernels.run import CHAIN

FORMS: tuple[Form, ...] = ("complex", "real", "rx_like", "hadamard")


@BOTH
@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_dense_on_all_bits(precision: Precision, size: int) -> None:
    rng = np.random.default_rng(size)
    for bits in combinations(range(LOCAL), size):
        if size > 2 and rng.random() < 0.6:
            continue
        matrix = random_unitary(1 << size, rng)
        real = np.linalg.qr(rng.normal(size=matrix.shape))[0].astype(complex)
        compare(precision, [DenseStage(bits, matrix), DenseStage(bits, real, "real")])


@BOTH
@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("size", [1, 2, 3])
def test_dense_under_conditions(precision: Precision, condition: Condition, size: int) -> None:
    rng = np.random.default_rng(size)
    for bits in combinations((2, 3, 4, 7), size):
        compare(precision, [DenseStage(bits, random_unitary(1 << size, rng), "complex", condition)])


@BOTH
@pytest.mark.parametrize("condition", [ALWAYS, *CONDITIONS])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_affine_matrices(precision: Precision, condition: Condition, size: int) -> None:
    rng = np.random.default_rng(size)
    for bits in combinations((2, 3, 4, 7) if condition != ALWAYS else range(LOCAL), size):
        matrix = np.linalg.qr(rng.normal(size=(1 << size, 1 << size)))[0].astype(complex)
        matrix[0] = np.arange(1 << size) == 0
        compare(precision, [DenseStage(bits, matrix, "real", condition, affine=True)])


@BOTH
@pytest.mark.parametrize("seed", range(6))
def test_one_qubit_stages_share_trips(precision: Precision, seed: int) -> None:
    rng = np.random.default_rng(seed)
    stages: list[Stage] = []
    for bit in rng.integers(0, LOCAL, 30).tolist():
        form = FORMS[int(rng.integers(4))]
        c, s = np.cos(bit + seed), np.sin(bit + seed)
        matrices: dict[Form, NDArray[np.complex128]] = {
            "complex": random_unitary(2, rng),
            "real": np.array([[c, -s], [s, c]], dtype=complex),
            "rx_like": np.array([[c, -1j * s], [-1j * s, c]]),
            "hadamard": np.array([[1, 1], [1, -1]]) * 0.5**0.5 + 0j,
        }
        where = CONDITIONS[1] if rng.random() < 0.1 else ALWAYS
        stages.append(DenseStage((bit,), matrices[form], form, where))
    compare(precision, stages, seed=seed)


@BOTH
@pytest.mark.parametrize("seed", range(16))
def test_chains_of_diagonals_and_one_qubit_stages(precision: Precision, seed: int) -> None:
    """By turns, as in a Fourier transform; some bits come again, some tables vary with the tile."""
    rng = np.random.default_rng(seed)
    forms: dict[Form, NDArray[np.complex128]] = {
        "real": np.array([[0.6, -0.8], [0.8, 0.6]], dtype=complex),
        "rx_like": np.array([[0.6, -0.8j], [-0.8j, 0.6]]),
        "complex": random_unitary(2, rng),
    }
    form = list(forms)[seed % 3]
    stages: list[Stage] = []
    for _ in range(10):
        for _ in range(rng.integers(0, 3)):
            groups = []
            for _ in range(rng.integers(1, 7)):
                first = int(rng.integers(0, 2)) * 5  # all bits are of blocks, or some are lanes
                bits = tuple(sorted(rng.permutation(range(first, LOCAL))[:3].tolist()))
                term = DiagonalTerm((0, 1, 2), (), factors(rng, 3))
                mask = 0
                if rng.random() < 0.3:
                    mask = 1 << int(rng.choice([bit for bit in range(LOCAL) if bit not in bits]))
                terms: tuple[DiagonalTerm, ...] = (term,)
                if rng.random() < 0.3:
                    terms = (DiagonalTerm((0, 1, 2), (1,), factors(rng, 4), 1, 1),)
                elif not mask and rng.random() < 0.3:
                    terms = (term, DiagonalTerm((1,), (0, 1), factors(rng, 3)))
                groups.append(DiagonalGroup(bits, terms, mask, mask * int(rng.integers(0, 2))))
            stages.append(DiagonalStage(tuple(groups)))
        if rng.random() < 0.1:
            form = list(forms)[int(rng.integers(3))]
        bit = int(rng.integers(4 if rng.random() < 0.8 else 0, LOCAL))
        stages.append(DenseStage((bit,), forms[form], form))
    pass_ = TilePass(WIDTH, WIDTH, ACTIVE, (Round((), tuple(stages)),), STORE)
    assert CHAIN in assemble(pass_, precision).program(pass_).code[0, :, 0]
    compare(precision, stages, seed=seed)
