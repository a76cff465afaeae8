"""Every kind of stage, on every kind of bits, against the interpreter of tiled plans."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from simquay.control import Control
from simquay.engines.numpy.state import DenseState
from simquay.engines.tiled_interpreter import apply_tile_pass
from simquay.planning import Layout, Plan, Profile
from simquay.planning.tiled.passes import (
    ALWAYS,
    Condition,
    DenseStage,
    DiagonalGroup,
    DiagonalStage,
    DiagonalTerm,
    PermuteStage,
    PrepareStage,
    Round,
    Stage,
    TilePass,
)
from simquay.program import Precision
from simquay_numba.assembly.assemble import assemble
from simquay_numba.engine import NumbaEngine
from simquay_numba.kernels.run import CHAIN, FLIP
from simquay_numba.kernels.vectors import lane_count
from tests.support.gate_lists import random_unitary

WIDTH = 11
ACTIVE = (0, 1, 2, 3, 4, 6, 7, 9, 10)
LOCAL = len(ACTIVE)
STORE = tuple(range(LOCAL))
TOLERANCE = {Precision.DOUBLE: 1e-13, Precision.SINGLE: 2e-6}
BOTH = pytest.mark.parametrize("precision", list(Precision))
ENGINE = NumbaEngine(threads=2)


def compare(
    precision: Precision,
    stages: list[Stage],
    *,
    store: tuple[int, ...] = STORE,
    before: int = WIDTH,
    zero: int = 0,
    seed: int = 0,
) -> None:
    """One pass of these stages on two random vectors; local bits ``zero`` are |0> in them."""
    rng = np.random.default_rng(seed)
    pass_ = TilePass(before, WIDTH, ACTIVE, (Round((), tuple(stages)),), store)
    vectors = rng.normal(size=(2, 1 << WIDTH)) + 1j * rng.normal(size=(2, 1 << WIDTH))
    for bit in range(LOCAL):
        if zero >> bit & 1:
            vectors[:, (np.arange(1 << WIDTH) >> ACTIVE[bit] & 1) == 1] = 0
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[:, 1 << before :] = np.nan
    state = ENGINE.allocate(WIDTH, precision, capacity=WIDTH, batch=2)
    state.buffer[...] = vectors
    state.layout = Layout(tuple(range(before)))
    plan = Plan(Profile("tiled", tile=LOCAL), state.layout, Layout(tuple(range(WIDTH))), [pass_])
    ENGINE.apply(state, plan, Control())
    apply_tile_pass(vectors, pass_)
    assert isinstance(state, DenseState)
    np.testing.assert_allclose(state.vector, vectors, atol=TOLERANCE[precision])


CONDITIONS = [
    ALWAYS,
    Condition(outer_mask=0b11, outer_value=0b10),
    Condition(local_mask=1 << 8, local_value=0),
    Condition(local_mask=0b1, local_value=0b1),
    Condition(1 << 8 | 0b10, 0b10, 0b01, 0b01),
]


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
@pytest.mark.parametrize("seed", range(6))
def test_one_qubit_stages_share_trips(precision: Precision, seed: int) -> None:
    rng = np.random.default_rng(seed)
    stages: list[Stage] = []
    for bit in rng.integers(0, LOCAL, 30).tolist():
        form = ("complex", "real", "rx_like", "hadamard")[int(rng.integers(4))]
        c, s = np.cos(bit + seed), np.sin(bit + seed)
        matrix = {
            "complex": random_unitary(2, rng),
            "real": np.array([[c, -s], [s, c]], dtype=complex),
            "rx_like": np.array([[c, -1j * s], [-1j * s, c]]),
            "hadamard": np.array([[1, 1], [1, -1]]) * 0.5**0.5 + 0j,
        }[form]
        where = CONDITIONS[1] if rng.random() < 0.1 else ALWAYS
        stages.append(DenseStage((bit,), matrix, form, where))
    compare(precision, stages, seed=seed)


@BOTH
@pytest.mark.parametrize("condition", CONDITIONS)
def test_flips(precision: Precision, condition: Condition) -> None:
    flip = np.array([1, 0])
    for bit in range(LOCAL):
        if not condition.local_mask >> bit & 1:
            compare(precision, [PermuteStage((bit,), flip, condition)])


@BOTH
@pytest.mark.parametrize("size", [2, 3, 5])
def test_permutations(precision: Precision, size: int) -> None:
    rng = np.random.default_rng(size)
    for _ in range(12):
        bits = tuple(sorted(rng.permutation(8)[:size].tolist()))
        where = CONDITIONS[2] if rng.random() < 0.5 else CONDITIONS[1]
        compare(precision, [PermuteStage(bits, rng.permutation(1 << size), where)])


@BOTH
@pytest.mark.parametrize("bits", [(0,), (8,), (2, 7), (0, 3, 6), (5, 6, 7, 8)])
def test_preparations(precision: Precision, bits: tuple[int, ...]) -> None:
    amplitudes = random_unitary(1 << len(bits), np.random.default_rng(1))[0]
    compare(precision, [PrepareStage(bits, amplitudes)], zero=sum(1 << bit for bit in bits))


def factors(rng: np.random.Generator, bits: int) -> np.ndarray:
    return np.exp(2j * np.pi * rng.random(1 << bits))


@BOTH
@pytest.mark.parametrize("mask", [0, 1 << 8, 0b1, 1 << 8 | 1])
@pytest.mark.parametrize("bits", [(), (2,), (7,), (1, 2, 3), (5, 6, 7), (1, 2, 4, 5, 6, 7)])
def test_diagonals(precision: Precision, mask: int, bits: tuple[int, ...]) -> None:
    rng = np.random.default_rng(len(bits))
    places = tuple(range(len(bits)))
    whole = DiagonalTerm(places, (), factors(rng, len(bits)))
    outer = DiagonalTerm(places[:1], (0, 1), factors(rng, len(places[:1]) + 2))
    same = DiagonalTerm(places[:1], (1,), factors(rng, len(places[:1]) + 1), 1, 1)
    group = DiagonalGroup(bits, (whole, outer, same))
    alone = DiagonalGroup(bits, (whole,), mask, mask & 1)
    met = DiagonalGroup(bits, (DiagonalTerm(places, (), whole.table, 2, 2),), mask, mask & ~1)
    compare(precision, [DiagonalStage((group,))])
    compare(precision, [DiagonalStage((alone,)), DiagonalStage((met,))])
    compare(precision, [DiagonalStage((group, alone, met, group, alone, group))])


@BOTH
def test_wide_diagonals(precision: Precision) -> None:
    rng = np.random.default_rng(4)
    places = tuple(range(8))
    table = DiagonalTerm(places, (1,), factors(rng, 9))
    compare(precision, [DiagonalStage((DiagonalGroup(places, (table,)),))])


@BOTH
@pytest.mark.parametrize("seed", range(12))
def test_any_order_is_written_back(precision: Precision, seed: int) -> None:
    rng = np.random.default_rng(seed)
    store = list(range(LOCAL))
    if seed < 4:
        store = rng.permutation(LOCAL).tolist()
    else:  # as planners do: some of the lowest bits change places with others
        lanes = lane_count(precision.real_dtype.itemsize)
        for lane in rng.permutation(lanes)[: 1 + seed % lanes].tolist():
            other = int(rng.integers(lanes, LOCAL))
            store[lane], store[other] = store[other], store[lane]
    stages: list[Stage] = [DenseStage((1, 7), random_unitary(4, rng))]
    compare(precision, stages, store=tuple(store), seed=seed)


@BOTH
@pytest.mark.parametrize("before", [9, 10])
def test_a_state_grows(precision: Precision, before: int) -> None:
    matrix = random_unitary(4, np.random.default_rng(0))
    compare(precision, [DenseStage((1, 8), matrix)], before=before)


@BOTH
@pytest.mark.parametrize("seed", range(16))
def test_chains_of_diagonals_and_one_qubit_stages(precision: Precision, seed: int) -> None:
    """By turns, as in a Fourier transform; some bits come again, some tables vary with the tile."""
    rng = np.random.default_rng(seed)
    forms = {
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
                terms = (term,)
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
    assert CHAIN in assemble(pass_, precision).code[:, 0]
    compare(precision, stages, seed=seed)


@BOTH
@pytest.mark.parametrize("seed", range(12))
def test_flips_at_the_end_are_done_by_the_writing(precision: Precision, seed: int) -> None:
    rng = np.random.default_rng(seed)
    stages: list[Stage] = [DenseStage((1, 7), random_unitary(4, rng))]
    for _ in range(rng.integers(1, 6)):
        bit, control = rng.permutation(range(4, LOCAL))[:2].tolist()
        where = Condition(1 << control, int(rng.integers(2)) << control)
        stages.append(
            PermuteStage((bit,), np.array([1, 0]), where if rng.random() < 0.8 else ALWAYS)
        )
    store = STORE
    if seed % 3 == 1:
        store = (*range(4), *(4 + rng.permutation(LOCAL - 4)).tolist())
    elif seed % 3 == 2:
        store = tuple(rng.permutation(LOCAL).tolist())
    else:
        stages.insert(1, PermuteStage((6,), np.array([1, 0]), Condition(0, 0, 0b10, 0b10)))
    pass_ = TilePass(WIDTH, WIDTH, ACTIVE, (Round((), tuple(stages)),), store)
    flips = np.count_nonzero(assemble(pass_, precision).code[:, 0] == FLIP)
    assert flips == {0: 1, 1: 0}.get(seed % 3, flips)
    compare(precision, stages, store=store, seed=seed)
