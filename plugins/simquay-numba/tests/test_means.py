"""Means of strings, against the reference engine: groups of any size, blocks, threads."""

from __future__ import annotations

import numpy as np
import pytest
from stored_vectors import random_vectors

from simquay.engine_api import (
    Cancelled,
    Control,
    DenseEngine,
    Layout,
    Precision,
    ReferenceEngine,
    Strings,
)
from simquay_numba import means
from simquay_numba.engine import NumbaEngine
from simquay_numba.kernels.strings.sums import sort_keys
from simquay_numba.kernels.strings.windows import find_alone

REFERENCE = ReferenceEngine()


def random_strings(rng: np.random.Generator, width: int, terms: int, flips: int) -> Strings:
    """``terms`` strings with ``flips`` different ``x``, 0 among them; half have fixed bits."""
    x = rng.choice([0, *rng.integers(0, 1 << width, flips - 1)], terms)
    some = rng.integers(0, 1 << width, (2, terms))
    fixed = np.where(rng.random(terms) < 0.5, some[0] & some[1] & ~x, 0)
    z, values = rng.integers(0, 1 << width, (2, terms))
    return Strings(x, z & ~fixed, fixed, values & fixed)


def check(engine: NumbaEngine, width: int, batch: int, precision: Precision, flips: int) -> None:
    rng = np.random.default_rng(width + batch)
    vectors = random_vectors(rng, batch, width).astype(precision.complex_dtype)
    state = engine.allocate(width, precision, capacity=width + 1, batch=batch)
    state.layout = Layout(tuple(range(width)))
    state.vector[...] = vectors
    known = REFERENCE.allocate(width, precision, capacity=width, batch=batch)
    known.order, known.vectors = list(range(width)), vectors
    strings = random_strings(rng, width, 60, flips)
    found = engine.means(state, strings, Control())
    expected = REFERENCE.means(known, strings, Control())
    np.testing.assert_allclose(found, expected, atol=1e-12)
    engine.release(state)


@pytest.mark.parametrize("precision", list(Precision))
@pytest.mark.parametrize("width", range(1, 15))
def test_means_are_the_references(precision: Precision, width: int) -> None:
    for batch, flips in ((1, 60), (3, 2), (3, 5)):
        check(NumbaEngine(threads=1), width, batch, precision, flips)


@pytest.mark.parametrize("flips", [2, 60])
def test_threads_share_groups_and_parts_of_them(
    flips: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(means, "_ALONE_WORK", 0)
    monkeypatch.setattr(means, "_PIECE_WORK", 1 << 16)
    for width in (6, 15):
        check(NumbaEngine(threads=3), width, 2, Precision.DOUBLE, flips)


@pytest.mark.parametrize("width", [4, 16])
def test_a_cancelled_read_ends(width: int) -> None:
    engine = NumbaEngine(threads=2)
    state = engine.allocate(width, Precision.DOUBLE, capacity=width)
    state.grow(range(width))
    control = Control()
    control.cancel()
    with pytest.raises(Cancelled):
        engine.means(state, random_strings(np.random.default_rng(0), width, 40, 9), control)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("width", [2, 9, 18])
def test_sums_in_threads_are_those_of_the_numpy_engine(threads: int, width: int) -> None:
    rng = np.random.default_rng(width)
    strings, weights = random_strings(rng, width, 40, 6), rng.uniform(-1, 1, 40)
    vectors = random_vectors(rng, 2, width)
    found = []
    for engine in (NumbaEngine(threads=threads), DenseEngine(threads=1)):
        state = engine.allocate(width + 1, Precision.DOUBLE, capacity=width + 1, batch=2)
        state.layout = Layout(tuple(range(width)))
        state.vector[...] = vectors
        pair = engine.paired(state, width, strings, weights)
        assert pair.layout.order == tuple(range(width + 1))
        found.append(pair.vector.copy())
        engine.release(pair)
    np.testing.assert_allclose(found[0], found[1], atol=1e-12)


@pytest.mark.parametrize("precision", list(Precision))
@pytest.mark.parametrize(("width", "batch"), [(12, 1), (10, 5), (17, 1)])
@pytest.mark.parametrize("alone", [0, 1 << 40])
@pytest.mark.parametrize("others", [15, 1])
def test_strings_in_windows_are_read_as_others_are(
    monkeypatch: pytest.MonkeyPatch,
    precision: Precision,
    width: int,
    batch: int,
    alone: int,
    others: int,
) -> None:
    monkeypatch.setattr(means, "_ALONE_WORK", alone)
    rng = np.random.default_rng(width)
    x, z = rng.integers(0, 1 << width, (2, 30))
    x[others:] &= -16
    z[others:] &= -16
    none = np.zeros(30, dtype=np.int64)
    strings = Strings(x, z, none, none)
    keys = sort_keys(*strings[:3])
    given = keys, np.argsort(keys), *strings[:3]
    assert find_alone(*given, means._SHARING, means._LEAST_RUN).sum() >= 10
    engine = NumbaEngine(threads=2)
    state = engine.allocate(width, precision, capacity=width, batch=batch)
    state.layout = Layout(tuple(range(width)))
    state.vector[...] = random_vectors(rng, batch, width)
    found = engine.means(state, strings, Control())
    monkeypatch.setattr(means, "_SHARING", 0)
    np.testing.assert_allclose(found, engine.means(state, strings, Control()), atol=1e-7)
    engine.release(state)
