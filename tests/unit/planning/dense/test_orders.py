"""Orders of the buffer, between the products of a tile."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.planning.dense.clusters import Cluster, Part
from simquay.planning.dense.cost import DEFAULT_CLUSTER_COSTS
from simquay.planning.dense.orders import column_factor, column_limit, find_orders
from simquay.program.bits import mask_of


def test_every_product_finds_its_wires_and_columns_together() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        tile = int(rng.integers(1, 16))
        wires = [int(w) for w in rng.permutation(30)[:tile]]
        parts: list[Part] = []
        for _ in range(int(rng.integers(0, 12))):
            chosen = rng.permutation(wires)[: int(rng.integers(1, min(5, tile) + 1))].tolist()
            parts.append(Cluster(tuple(chosen), mask_of(chosen), []))
            if rng.random() < 0.3:
                parts.append([])  # diagonals, which are applied in any order
        low = int(rng.integers(0, tile + 1))
        loaded, keep, moves = find_orders(parts, wires, low, {}, DEFAULT_CLUSTER_COSTS[:6])
        assert sorted(loaded) == sorted(wires)
        assert list(loaded[:keep]) == wires[:keep]
        order = loaded
        done: list[Part] = []
        for move in moves:
            assert move.before == order
            assert sorted(move.after) == sorted(wires)
            order = move.after
            if move.part is None:
                continue
            done.append(move.part)
            if not isinstance(move.part, Cluster):
                assert move.after == move.before
                continue
            inside = set(move.part.wires)
            for side in (move.before, move.after):
                first = min(side.index(wire) for wire in inside)
                assert set(side[first : first + len(inside)]) == inside
                start = side.index(move.columns[0]) if move.columns else 0
                assert side[start : start + len(move.columns)] == move.columns
                assert first == 0 or (move.columns and start == 0)
        assert done == parts


def test_a_tile_without_clusters_stays_in_the_order_of_storage() -> None:
    table: Part = []
    assert find_orders([table], [4, 2, 7], 2, {}, DEFAULT_CLUSTER_COSTS) == (
        (4, 2, 7),
        2,
        [(table, (), (4, 2, 7), (4, 2, 7))],
    )


@pytest.mark.parametrize("width", range(1, 8))
def test_products_stay_below_the_size_at_which_openblas_starts_threads(width: int) -> None:
    multiplications = 1 << 2 * width + column_limit(width)
    assert multiplications <= 1 << 15 or column_limit(width) == 2


def test_a_product_with_few_columns_takes_longer() -> None:
    factors = [column_factor(columns) for columns in range(9)]
    assert factors == sorted(factors, reverse=True)
    assert factors[5:] == [1.0] * 4
