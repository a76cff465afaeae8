"""Random stages, passes of them, and the check that both interpreters agree."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import partial

import numpy as np
import pytest

from simquay.engine_api import (
    ALWAYS,
    Condition,
    Control,
    DenseStage,
    DiagonalGroup,
    DiagonalStage,
    DiagonalTerm,
    Layout,
    PermuteStage,
    Plan,
    Precision,
    Round,
    Stage,
    TilePass,
    apply_tile_pass,
)
from simquay_cupy import engine as engine_module
from simquay_cupy.encoding.encode import encode_plan
from simquay_cupy.encoding.geometry import GEOMETRIES, WHOLE_STATE, geometry_for
from simquay_cupy.engine import CupyEngine

TOLERANCE = {Precision.SINGLE: 2e-6, Precision.DOUBLE: 1e-14}


EVERY_KERNEL = pytest.mark.parametrize(
    ("precision", "tile"),
    [
        *((precision, geometry.tile) for precision, geometry in GEOMETRIES.items()),
        (Precision.DOUBLE, WHOLE_STATE.tile),
    ],
    ids=["single", "double", "double12"],
)
"""Each with a width for which the engine takes this kernel."""

BOTH = pytest.mark.parametrize("precision", list(Precision), ids=lambda p: p.value)


def unitary(rng: np.random.Generator, bits: int) -> np.ndarray:
    size = (1 << bits, 1 << bits)
    orthogonal: np.ndarray = np.linalg.qr(rng.normal(size=size) + 1j * rng.normal(size=size))[0]
    return orthogonal


def vectors(rng: np.random.Generator, batch: int, bits: int) -> np.ndarray:
    drawn = rng.normal(size=(batch, 1 << bits)) + 1j * rng.normal(size=(batch, 1 << bits))
    unit: np.ndarray = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return unit


def tile_pass(
    precision: Precision,
    stages: Sequence[Stage],
    width: int,
    before: int | None = None,
    rng: np.random.Generator | None = None,
) -> TilePass:
    """A pass of ``stages``; with ``rng``, over random active bits and with a random store."""
    tile = min(geometry_for(precision, width).tile, width)
    before = width if before is None else before
    active = list(range(tile))
    store = tuple(range(tile))
    if rng is not None:
        must = [bit for bit in range(width) if bit < 3 or bit >= before]
        others = [bit for bit in range(width) if bit not in must]
        rng.shuffle(others)
        active = sorted([*must, *others][:tile])
        store = tuple(rng.permutation(tile).tolist())
    rounds = tuple(Round((), (stage,)) for stage in stages)
    return TilePass(before, width, tuple(active), rounds, store)


def check(
    engine: CupyEngine,
    precision: Precision,
    passes: Sequence[TilePass],
    rng: np.random.Generator,
    batch: int = 1,
    limit: int | None = None,
) -> None:
    """Both interpreters give the same vectors; what was not stored before is nonsense."""
    before, width = passes[0].before, passes[-1].width
    start = vectors(rng, batch, before)
    expected = np.full((batch, 1 << width), np.nan, dtype=np.complex128)
    expected[:, : 1 << before] = start
    for pass_ in passes:
        apply_tile_pass(expected, pass_)
    plan = Plan(
        engine.profile(precision, width),
        Layout(tuple(range(before))),
        Layout(tuple(range(width))),
        passes,
    )
    state = engine.allocate(width, precision, capacity=width, batch=batch)
    host = np.full(state.vectors.shape, np.nan, dtype=precision.complex_dtype)
    host[:, : 1 << before] = start
    state.vectors = engine.on.upload(host)
    state.order = plan.initial.order
    if limit is not None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(engine_module, "encode_plan", partial(encode_plan, limit=limit))
            assert len(engine.uploaded(plan, precision).launches()) > len(passes)
    engine.apply(state, plan, Control())
    got = engine.amplitudes(state)
    assert np.abs(got - expected).max() < TOLERANCE[precision]


def real(rng: np.random.Generator) -> np.ndarray:
    angle = rng.uniform(0, 2 * np.pi)
    return np.array(
        [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]], dtype=np.complex128
    )


def rx(rng: np.random.Generator) -> np.ndarray:
    angle = rng.uniform(0, 2 * np.pi)
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -1j * s], [-1j * s, c]])


HADAMARD = np.array([[1, 1], [1, -1]], dtype=np.complex128) * 0.5**0.5


def one_qubit(rng: np.random.Generator, bit: int) -> list[Stage]:
    reflection = np.array([[0.6, 0.8], [0.8, -0.6]], dtype=np.complex128)  # real, a != d
    phased = np.array([[0.6, 0.8j], [-0.8j, -0.6]])  # real diagonal, imaginary beside, a != d
    return [
        DenseStage((bit,), unitary(rng, 1)),
        DenseStage((bit,), real(rng), "real"),
        DenseStage((bit,), reflection, "real"),
        DenseStage((bit,), np.array([[0.01, -1], [1, 0.01]]) + 0j, "real"),
        DenseStage((bit,), rx(rng), "rx_like"),
        DenseStage((bit,), phased, "rx_like"),
        DenseStage((bit,), HADAMARD, "hadamard"),
        PermuteStage((bit,), np.array([1, 0])),
    ]


def random_condition(
    rng: np.random.Generator, bits: Sequence[int], tile: int, outer: int
) -> Condition:
    local = [bit for bit in rng.permutation(tile).tolist() if bit not in bits]
    local_mask = sum(1 << bit for bit in local[: rng.integers(4)])
    outer_mask = int(rng.integers(1 << outer)) if outer else 0
    return Condition(
        local_mask,
        int(rng.integers(1 << tile)) & local_mask,
        outer_mask,
        int(rng.integers(1 << outer)) & outer_mask if outer else 0,
    )


def random_group(
    rng: np.random.Generator, tile: int, outer: int, terms: int, wide: int
) -> DiagonalGroup:
    bits = tuple(sorted(rng.permutation(tile)[: rng.integers(wide + 1)].tolist()))
    condition = random_condition(rng, bits, tile, 0)
    made = []
    for _ in range(terms):
        places = tuple(sorted(rng.permutation(len(bits))[: rng.integers(len(bits) + 1)].tolist()))
        outside = tuple(sorted(rng.permutation(outer)[: rng.integers(min(outer, 3) + 1)].tolist()))
        table = np.exp(1j * rng.uniform(0, 7, 1 << (len(places) + len(outside))))
        free = ((1 << outer) - 1) & ~sum(1 << bit for bit in outside)
        mask = int(rng.integers(1 << outer)) & free if outer and rng.random() < 0.3 else 0
        value = int(rng.integers(1 << outer)) & mask if outer else 0
        made.append(DiagonalTerm(places, outside, table, mask, value))
    return DiagonalGroup(bits, tuple(made), condition.local_mask, condition.local_value)


def random_stage(rng: np.random.Generator, tile: int, outer: int) -> Stage:
    kind = rng.integers(8)
    bits = tuple(sorted(rng.permutation(tile)[: min(tile, rng.integers(1, 5))].tolist()))
    condition = random_condition(rng, bits, tile, outer) if rng.random() < 0.5 else ALWAYS
    if kind < 3:
        return DenseStage(bits, unitary(rng, len(bits)), "complex", condition)
    if kind < 4:
        stages = one_qubit(rng, bits[0])
        chosen = stages[rng.integers(len(stages))]
        assert isinstance(chosen, (DenseStage, PermuteStage))
        one = random_condition(rng, bits[:1], tile, outer) if rng.random() < 0.3 else ALWAYS
        return dataclasses.replace(chosen, condition=one)
    if kind < 5:
        return PermuteStage(bits, rng.permutation(1 << len(bits)), condition)
    groups = [random_group(rng, tile, outer, int(rng.integers(1, 4)), 4) for _ in range(3)]
    if rng.random() < 0.3:  # one table over many bits, looked up
        many = tuple(sorted(rng.permutation(tile)[: min(tile, 10)].tolist()))
        table = np.exp(1j * rng.uniform(0, 7, 1 << len(many)))
        places = tuple(range(len(many)))
        groups.append(DiagonalGroup(many, (DiagonalTerm(places, (), table),)))
    return DiagonalStage(tuple(groups))
