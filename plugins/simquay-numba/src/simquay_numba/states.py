"""Reading, projecting, copying and reordering states, with the loops of ``kernels.reading``.

Each function shares its work among ``threads`` threads where the state is large enough.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simquay.engine_api import ComplexArray, DenseState, run_side_by_side, spread
from simquay_numba.buffers import address, aligned_bytes
from simquay_numba.kernels.reading import add_marginal, apply_string, permute_copy, project

__all__ = ["copied", "flipped", "followed", "in_order", "marginal", "projected"]

BLOCK_BITS = 12
"""log2 of the neighbouring amplitudes that a loop reads as one block."""

_SHARED_BITS = 17
"""Qubits from which on a second thread pays."""


def _shares(count: int, threads: int, width: int) -> list[tuple[int, int]]:
    """``range(count)`` as (first, end) of one part for each thread that pays."""
    parts = max(1, min(threads, count)) if width >= _SHARED_BITS else 1
    return [(part * count // parts, (part + 1) * count // parts) for part in range(parts)]


def marginal(
    state: DenseState, kept: Sequence[int], fixed: Mapping[int, int], threads: int
) -> NDArray[np.float64]:
    """Sums of |amplitude|² over all storage bits but ``kept``, where ``fixed`` bits hold.

    Shape ``(batch, 2**len(kept))``; bit ``j`` of the second index is storage bit ``kept[j]``. The
    state has at least a vector's lanes, and no kept bit is fixed.
    """
    width = state.stored
    vectors = state.vector
    amplitude = vectors.itemsize
    low = min(BLOCK_BITS, width)
    place_of = {bit: place for place, bit in enumerate(kept)}
    index = np.arange(1 << low, dtype=np.int64)
    low_places = np.zeros(1 << low, dtype=np.int64)
    for bit in range(low):  # in one step for each bit: extract and deposit would take two
        if bit in place_of:
            low_places |= (index >> bit & 1) << place_of[bit]
    for bit, value in fixed.items():
        if bit < low:
            low_places[(index >> bit & 1) != value] = -1
    high_kept = [bit for bit in kept if bit >= low]
    high_free = [bit for bit in range(low, width) if bit not in place_of and bit not in fixed]
    base = sum(value << bit for bit, value in fixed.items() if bit >= low) * amplitude
    kept_offsets = spread(high_kept) * amplitude + base
    kept_places = spread([place_of[bit] for bit in high_kept])
    free_offsets = spread(high_free) * amplitude
    unit = vectors.real.dtype.type(0)
    results = np.zeros((state.batch, 1 << len(kept)))

    # Each kept value has its own entries, so threads may share the result; free values add up.
    by_kept = len(kept_offsets) >= threads

    def work(result: NDArray[np.float64], kept_part: slice, free_part: slice) -> None:
        memory = aligned_bytes(8 << low)
        sums = memory.view(np.float64)
        for row in range(state.batch):
            add_marginal(
                unit,
                amplitude,
                address(vectors) + row * vectors.strides[0],
                kept_offsets[kept_part],
                kept_places[kept_part],
                free_offsets[free_part],
                low_places,
                sums,
                address(sums),
                result[row],
            )

    every = slice(None)
    count = len(kept_offsets) if by_kept else len(free_offsets)
    parts = [slice(*part) for part in _shares(count, threads, width)]
    if by_kept:
        run_side_by_side([partial(work, results, part, every) for part in parts])
        return results
    partial_results = [np.zeros_like(results) for _ in parts]
    run_side_by_side(
        [partial(work, r, every, part) for r, part in zip(partial_results, parts, strict=True)]
    )
    for one in partial_results:
        results += one
    return results


def projected(state: DenseState, mask: int, value: int, scale: float, threads: int) -> None:
    """Multiply amplitudes with ``value`` in the storage bits ``mask`` by ``scale``, others by 0."""
    factor = state.vector.real.dtype.type(scale)
    _everywhere(
        state,
        1 << state.stored,
        threads,
        lambda row, first, last: project(state.vector[row], mask, value, factor, first, last),
    )


def flipped(state: DenseState, bit: int, threads: int) -> None:
    """Exchange the halves of a storage bit."""
    _everywhere(
        state,
        1 << (state.stored - 1),
        threads,
        lambda row, first, last: apply_string(state.vector[row], 1 << bit, 0, first, last),
    )


def followed(state: DenseState, strings: NDArray[np.int64], threads: int) -> None:
    """Apply a Pauli string to each vector: its X and its Z part are the rows of ``strings``."""
    count = 1 << (state.stored - 1)
    parts = [
        (state.vector[row], *strings[:, row], *some)
        for row in strings.any(axis=0).nonzero()[0]
        for some in _shares(count, threads, state.stored)
    ]

    def share(own: Sequence[Any]) -> None:
        for one in own:
            apply_string(*one)

    run_side_by_side([partial(share, parts[first::threads]) for first in range(threads)])


def _everywhere(
    state: DenseState, count: int, threads: int, work: Callable[[int, int, int], Any]
) -> None:
    """Call ``work(row, first, last)`` for parts that cover ``range(count)``, for every vector."""
    calls: list[Callable[[], Any]] = [
        partial(work, row, first, last)
        for row in range(state.batch)
        for first, last in _shares(count, threads, state.stored)
    ]
    run_side_by_side(calls)


def copied(target: ComplexArray, source: ComplexArray, threads: int, width: int) -> None:
    """Copy the first ``2**width`` amplitudes of each vector of ``source`` to ``target``."""
    run_side_by_side(
        [
            partial(np.copyto, target[:, first:last], source[:, first:last])
            for first, last in _shares(1 << width, threads, width)
        ]
    )


def in_order(state: DenseState, threads: int) -> ComplexArray:
    """All amplitudes in qubit order, shape ``(batch, 2**num_qubits)``."""
    order = state.layout.order
    width = len(order)
    result: ComplexArray = (np.zeros if width < state.num_qubits else np.empty)(
        (state.batch, 1 << state.num_qubits), dtype=state.buffer.dtype
    )
    # A tile has the lowest bits of source and result: whole cache lines are read and written.
    inside = {bit for bit, qubit in enumerate(order) if bit < 6 or qubit < 6}
    bits = sorted(inside, key=lambda bit: order[bit])  # neighbours in the result come first
    rest = [bit for bit in range(width) if bit not in inside]
    source_places = spread(bits)
    target_places = spread([order[bit] for bit in bits])
    source_bases = spread(rest)
    target_bases = spread([order[bit] for bit in rest])

    def work(row: int, first: int, last: int) -> None:
        permute_copy(
            state.vector[row],
            result[row],
            source_bases[first:last],
            target_bases[first:last],
            source_places,
            target_places,
        )

    _everywhere(state, len(source_bases), threads, work)
    return result
