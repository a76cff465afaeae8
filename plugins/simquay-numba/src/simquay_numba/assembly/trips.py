"""The frame of a pass: where its tiles are, and how they are read and written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simquay.engine_api import ALWAYS, spread
from simquay_numba.assembly.geometry import by_place
from simquay_numba.assembly.stages import permute, swap
from simquay_numba.assembly.template import Shape, Template, kept
from simquay_numba.kernels.vectors import BLOCK_BYTES

__all__ = ["WholeTrip", "whole_trip"]


class WholeTrip(NamedTuple):
    """Offsets of a pass's tiles and blocks, with the names that
    :func:`~simquay_numba.kernels.run.run_tiles` gives them; the first five are arguments of it.

    ``last`` has templates that move lanes before the tile is written back.
    """

    tile_offsets: NDArray[np.int64]
    load_from: NDArray[np.int64]
    load_to: NDArray[np.int64]
    load_few: int
    store_to: NDArray[np.int64]
    last: tuple[Template, ...]


@kept(64)
def whole_trip(
    shape: Shape,
    before: int,
    width: int,
    active: tuple[int, ...],
    store: tuple[int, ...],
    flips: tuple[tuple[int, int, int], ...] = (),
) -> WholeTrip:
    """Where a pass's tiles are read and written.

    Args:
        shape: of the tile, at the pass's end.
        before, width: qubits that are stored before and after the pass.
        active, store: of the pass, see :class:`~simquay.engine_api.TilePass`.
        flips: (bit, mask, value) of each flip that writing applies; see
            :class:`~.template.Template`.
    """
    lanes, amplitude = shape.lanes, 2 * shape.real_bytes
    inside = set(active)
    outer = [bit for bit in range(width) if bit not in inside]
    last, places = _final_lanes(store, shape)
    stored = [active[store[places[lanes + bit]]] for bit in range(shape.high)]
    read = [bit for bit in range(shape.high) if active[lanes + bit] < before]
    store_to = _offsets(stored, amplitude)
    if flips:
        block = np.arange(len(store_to))
        for bit, mask, value in flips:
            block ^= ((block & mask) == value).astype(np.int64) << bit
        store_to = store_to[block]
        store_to.flags.writeable = False
    return WholeTrip(
        _offsets(outer, amplitude),
        _offsets([active[lanes + bit] for bit in read], amplitude),
        _offsets(read, BLOCK_BYTES),
        1 << before if before < lanes else 0,
        by_place(shape, store_to),
        last,
    )


def _offsets(bits: Sequence[int], step: int) -> NDArray[np.int64]:
    result = spread(bits).astype(np.int64) * step
    result.flags.writeable = False
    return result


def _final_lanes(
    store: tuple[int, ...], shape: Shape
) -> tuple[tuple[Template, ...], Sequence[int]]:
    """Bring the local bits that go to the lowest storage bits into the lanes, in order.

    Returns the templates that do so, and for each bit of the buffer the local bit that it then
    holds.
    """
    places = list(range(shape.total))
    templates = []
    lanes, high = [], []
    exchange = np.array([0, 2, 1, 3], dtype=np.intp).tobytes()
    for lane in range(shape.lanes):
        local = store.index(lane)
        at = places.index(local)
        if at == lane:
            continue
        if at < shape.lanes:
            pair = (min(lane, at), max(lane, at))
            templates.append(permute(shape, pair, exchange, ALWAYS))
            places[lane], places[at] = places[at], places[lane]
        else:
            lanes.append(lane)
            high.append(at - shape.lanes)
    if lanes:
        templates.append(swap(shape, tuple(lanes), tuple(high)))
        for lane, bit in zip(lanes, high, strict=True):
            at = bit + shape.lanes
            places[lane], places[at] = places[at], places[lane]
    return tuple(templates), places
