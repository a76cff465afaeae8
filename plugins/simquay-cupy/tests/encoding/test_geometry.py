"""Which bits are lanes: no bank conflicts, and contiguous global memory."""

from __future__ import annotations

import numpy as np
import pytest

from simquay_cupy.encoding.geometry import (
    GEOMETRIES,
    LANES,
    WHOLE_STATE,
    Geometry,
    middle_order,
    outer_order,
    register_order,
)


@pytest.mark.parametrize(
    "geometry", [*GEOMETRIES.values(), WHOLE_STATE], ids=lambda geometry: geometry.kernel
)
def test_lanes_of_a_middle_round_hit_every_bank(geometry: Geometry) -> None:
    rng = np.random.default_rng(7)
    low = (1 << geometry.bank) - 1
    for _ in range(300):
        targets = tuple(
            sorted(rng.permutation(geometry.tile)[: rng.integers(geometry.register + 1)].tolist())
        )
        order = middle_order(geometry, targets, geometry.columns)
        assert set(targets) <= set(order[geometry.thread :])
        assert sorted(order) == list(range(geometry.tile))
        banks = {0}
        for bit in order[: geometry.bank]:
            banks |= {bank ^ geometry.columns[bit] & low for bank in banks}
        assert len(banks) == 1 << geometry.bank


@pytest.mark.parametrize(
    "geometry", [*GEOMETRIES.values(), WHOLE_STATE], ids=lambda geometry: geometry.kernel
)
def test_a_warp_loads_and_stores_runs_of_64_bytes(geometry: Geometry) -> None:
    rng = np.random.default_rng(8)
    made = 0
    for _ in range(300):
        load = rng.permutation(geometry.tile).tolist()
        store = rng.permutation(geometry.tile).tolist()
        count = int(rng.integers(geometry.register + 1))
        targets = tuple(sorted(rng.permutation(geometry.tile)[:count].tolist()))
        order = outer_order(geometry, targets, (load, store), geometry.columns)
        if order is None:
            continue
        made += 1
        lanes = order[:LANES]
        for storage in (load, store):
            assert set(range(geometry.run)) <= {storage[bit] for bit in lanes}
    assert made > 30
    storage = list(range(geometry.tile))
    assert outer_order(geometry, (), (storage,), geometry.columns) is not None


@pytest.mark.parametrize(
    ("pairs", "places"),
    [
        ([(2, 3)], [(0, 1)]),
        ([(0, 3), (1, 2)], [(0, 1), (2, 3)]),
        ([(0, 2), (2, 3), (1, 3)], [(0, 1), (1, 2), (2, 3)]),
        ([(0, 3), (1, 3), (2, 3)], [(0, 2), (1, 2), (2, 3)]),
    ],
)
def test_pairs_of_matrices_are_on_few_places(
    pairs: list[tuple[int, int]], places: list[tuple[int, int]]
) -> None:
    order = register_order(4, frozenset(pairs))
    assert sorted(order) == [0, 1, 2, 3]
    found = {tuple(sorted(map(order.index, pair))) for pair in pairs}
    assert found == set(places)
