"""Means and sums of strings, with the loops of ``kernels.strings``."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from simquay.engine_api import ComplexArray, Control, DenseState, Strings, run_side_by_side
from simquay_numba.buffers import address
from simquay_numba.kernels.strings.means import add_means
from simquay_numba.kernels.strings.sums import add_strings, fold_strings, sort_keys
from simquay_numba.kernels.strings.windows import add_window_means, find_alone

__all__ = ["add_sums", "fold_sums", "string_means"]

_ALONE_WORK = 1 << 21
"""Amplitudes times groups from which on a second thread pays."""

_PIECE_WORK = 1 << 24
"""Amplitudes times groups of a piece of work: some ten milliseconds."""

_LEAST_RUN = 16
"""The least run of neighbouring amplitudes, between the letters of a string, that is read faster by
itself."""

_SHARING = 3
"""Strings of a group from which on it pays to take its products once."""


def string_means(
    state: DenseState, strings: Strings, threads: int, control: Control
) -> NDArray[np.float64]:
    """See :meth:`simquay.engine_api.BaseEngine.means`; the state has at least ``GROUP_BITS``
    storage bits."""
    vectors = state.vector
    keys = sort_keys(strings.x, strings.z, strings.fixed)
    order = np.argsort(keys)
    result = np.zeros((state.batch, len(keys)))
    vector = (
        vectors.real.dtype.type(0),
        vectors.itemsize,
        address(vectors),
        vectors.strides[0],
        state.stored,
    )
    alone = find_alone(keys, order, *strings[:3], _SHARING, _LEAST_RUN)
    if alone.any():
        numbers = np.flatnonzero(alone)
        work = vectors.size * len(numbers)
        parts = 1 if work < _ALONE_WORK else max(4 * threads, work // _PIECE_WORK)
        results = np.zeros((parts, *result.shape))

        def add_alone(part: int) -> None:
            control.check()
            add_window_means(*vector, numbers, strings.x, strings.z, part, parts, results[part])

        run_side_by_side([partial(add_alone, part) for part in range(parts)])
        result += results.sum(axis=0)
        order = order[~alone[order]]
        if not len(order):
            return result

    def add(order: NDArray[np.intp], part: int, parts: int, result: NDArray[np.float64]) -> None:
        control.check()
        add_means(*vector, keys, order, *strings, part, parts, result)

    starts = np.flatnonzero(np.diff(keys[order], prepend=-1))  # of groups, which stay whole
    if vectors.size * len(starts) < _ALONE_WORK:
        add(order, 0, 1, result)
        return result
    pieces = max(4 * threads, len(starts) * vectors.size // _PIECE_WORK)
    if len(starts) >= pieces:
        bounds = [*starts[:: len(starts) // pieces].tolist(), len(order)]
        pairs = pairwise(bounds)
        run_side_by_side([partial(add, order[a:b], 0, 1, result) for a, b in pairs])
        return result
    # Few groups: all threads work on each.
    results = np.zeros((4 * threads, *result.shape))

    def share(part: int) -> None:
        for first, end in pairwise([*starts.tolist(), len(order)]):
            add(order[first:end], part, len(results), results[part])

    run_side_by_side([partial(share, part) for part in range(len(results))])
    result += results.sum(axis=0)
    return result


def add_sums(
    source: ComplexArray,
    target: ComplexArray,
    strings: Strings,
    weights: NDArray[np.float64],
    threads: int,
) -> None:
    """Add to ``target`` the sum of ``strings`` times ``weights``, applied to ``source``.

    Args:
        source: shape ``(batch, 2**n)``, by storage index, of ``GROUP_BITS`` bits or more.
        target: likewise; no memory is common to both.
        strings: of the storage bits.
        weights: float64, shape ``(terms,)``.
        threads: that share the work.
    """
    keys = sort_keys(strings.x, strings.z, strings.fixed)
    order = np.argsort(keys)
    real = source.real.dtype
    parts = threads if source.size * len(keys) > _ALONE_WORK else 1

    def share(part: int) -> None:
        add_strings(
            source.view(real),
            target.view(real),
            keys,
            order,
            *strings,
            weights,
            part,
            parts,
        )

    run_side_by_side([partial(share, part) for part in range(parts)])


def fold_sums(
    vectors: ComplexArray, strings: Strings, weights: NDArray[np.float64], threads: int
) -> NDArray[np.float64]:
    """See :meth:`simquay.engine_api.BaseEngine.folded`.

    Args:
        vectors: shape ``(batch, 2**n)``, by storage index, of ``GROUP_BITS`` bits or more.
        strings, weights, threads: as for :func:`add_sums`.
    """
    keys = sort_keys(strings.x, strings.z, strings.fixed)
    order = np.argsort(keys)
    reals = vectors.view(vectors.real.dtype)
    parts = threads if vectors.size * len(keys) > _ALONE_WORK else 1
    results = np.zeros((parts, len(vectors)))

    def share(part: int) -> None:
        given = reals, keys, order, *strings, weights
        fold_strings(*given, part, parts, results[part])

    run_side_by_side([partial(share, part) for part in range(parts)])
    total: NDArray[np.float64] = results.sum(axis=0)
    return total
