"""Cluster passes on a dense state: tiles in cache, one batched matrix product a step.

Every step is compiled to shapes and strides once for a pass; each thread binds them to two buffers
of its own and takes tiles from a common counter. A tile reads and writes the same amplitudes, so
threads need no locks.

In the pass of a :class:`~simquay.planning.SweepPlan`, each array of numbers has an axis in front,
the vector. Several small vectors fit one tile buffer: a step is one batched product for all of
them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simquay.control import Control
from simquay.engines.numpy.state import ComplexArray, DenseState
from simquay.engines.threads import run_side_by_side, yield_to_others
from simquay.planning.dense.steps import (
    ClusterPass,
    OuterPhase,
    PermuteStep,
    PhaseStep,
)
from simquay.program.bits import extract, spread

__all__ = ["Buffers", "apply_clusters"]

Shape = tuple[int, ...]

_TOGETHER = 1 << 14
"""The most amplitudes of tiles of several vectors that one step works on."""

_ALONE = 1 << 14
"""The most amplitudes for which one thread is as fast as several."""


class View(NamedTuple):
    """A view of a buffer or of a tile in the state: shape, and strides in amplitudes."""

    shape: Shape
    strides: Shape


class Buffers:
    """Pairs of tile buffers, one pair a thread, made when first needed."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self._dtype = dtype
        self._pairs: list[tuple[ComplexArray, ComplexArray]] = []

    def pair(self, thread: int, size: int) -> tuple[ComplexArray, ComplexArray]:
        """Two buffers of ``size`` amplitudes."""
        while len(self._pairs) <= thread:
            self._pairs.append((np.empty(0, self._dtype), np.empty(0, self._dtype)))
        if self._pairs[thread][0].size < size:
            self._pairs[thread] = (np.empty(size, self._dtype), np.empty(size, self._dtype))
        first, second = self._pairs[thread]
        return first[:size], second[:size]


def apply_clusters(
    state: DenseState,
    step: ClusterPass,
    buffers: Buffers,
    threads: int,
    control: Control,
    *,
    swept: bool = False,
) -> None:
    """Apply one pass in place; the new wires are within the state's capacity.

    The caller sets the state's layout. ``swept`` says that each vector has numbers of its own; one
    thread then does them all.
    """
    program = TileProgram(step, state.buffer.dtype)
    tiles = len(program.offsets)
    # Small tiles of several vectors are done by one call, which costs more than their arithmetic.
    together = max(1, min(state.batch, (_TOGETHER << swept) // program.size))
    work = -(-state.batch // together) * tiles
    row_size = state.buffer.shape[1]
    numbers = itertools.count()

    def share(thread: int) -> None:
        pair = buffers.pair(thread, together * program.size)
        runners: dict[tuple[int | None, int], Callable[[int, int], None]] = {}
        while not yield_to_others():
            number = next(numbers)  # one bytecode into C: no two threads get the same
            if number >= work:
                return
            control.check()
            group, tile = divmod(number, tiles)
            first = group * together
            rows = min(together, state.batch - first)
            key = first if swept else None, rows  # the last group may have fewer
            if key not in runners:
                taken = slice(first, first + rows) if swept else None
                runners[key] = program.bind(pair, state.buffer, rows, taken)
            runners[key](first * row_size, tile)
            control.report((number + 1) / work)

    most = threads if state.batch << len(step.before) > _ALONE and not swept else 1
    run_side_by_side([partial(share, thread) for thread in range(max(1, min(most, work)))])


class Phase(NamedTuple):
    """An OuterPhase for one precision: ``rows[t]`` is the row of ``table`` for tile ``t``."""

    rows: NDArray[np.intp]
    table: ComplexArray

    def of(self, tile: int) -> ComplexArray:
        """The factors in one tile, shape ``(2**k,)``; in a sweep, ``(vectors, 2**k)``."""
        factors: ComplexArray = self.table[..., self.rows[tile], :]
        return factors


class TileProgram:
    """A cluster pass for one precision: where its tiles are, and calls that apply its steps."""

    def __init__(self, step: ClusterPass, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype
        self.steps = step.steps
        self.size = 1 << len(step.loaded)
        width = len(step.before)
        inside = set(step.loaded)
        positions = {wire: position for position, wire in enumerate(step.before)}
        outer = [position for position in range(width) if step.before[position] not in inside]
        self.offsets: list[int] = spread(outer).tolist()
        self._outer_bit = {step.before[position]: bit for bit, position in enumerate(outer)}
        self._numbers = np.arange(len(self.offsets), dtype=np.intp)

        # Loading reads the storage bits of `loaded`; new wires are 0 and have none.
        new = set(step.before[width - step.new :])
        self.partial = bool(new)
        old = [wire for wire in step.loaded if wire not in new]
        in_storage = {wire: 1 << positions[wire] for wire in old}
        self.load_source, self.load_target = _views(old, in_storage, _bits(step.loaded))
        final = step.final
        active = [position for position in range(width) if step.before[position] in inside]
        to_storage = {wire: 1 << p for wire, p in zip(final, active, strict=True)}
        self.store_source, self.store_target = _views(final, _bits(final), to_storage)

    def bind(
        self,
        pair: tuple[ComplexArray, ComplexArray],
        vectors: ComplexArray,
        rows: int,
        taken: slice | None,
    ) -> Callable[[int, int], None]:
        """A function ``run(base, number)`` that applies the pass to tile ``number`` of ``rows``
        vectors, the first of which begins at amplitude ``base`` of ``vectors``; in a sweep with
        the numbers of the vectors ``taken``."""
        dtype = self.dtype
        itemsize = dtype.itemsize
        row_size = vectors.shape[1]

        def view(
            array: ComplexArray, view: View, offset: int = 0, apart: int = self.size
        ) -> ComplexArray:
            strides = [stride * itemsize for stride in (apart, *view.strides)]
            shape = (rows, *view.shape)
            result: ComplexArray = np.ndarray(shape, dtype, array, offset * itemsize, strides)
            return result

        def numbers(array: ComplexArray) -> ComplexArray:
            return (array if taken is None else array[taken]).astype(dtype, copy=False)

        def phase(part: OuterPhase) -> Phase:
            bits = [self._outer_bit[wire] for wire in part.outer]
            return Phase(extract(self._numbers, bits), numbers(part.table))

        source, target = (buffer[: rows * self.size] for buffer in pair)
        load_target = view(source, self.load_target)
        whole = source if self.partial else None
        calls: list[Callable[[int], object]] = []
        for step in self.steps:
            if isinstance(step, PhaseStep):
                low = 1 << step.order.index(step.wires[0])
                size = 1 << len(step.wires)
                place = View((self.size // (size * low), size, low), (size * low, low, 1))
                data, phases = view(source, place), [*map(phase, step.phases)]
                calls.append(partial(_multiply, data, numbers(step.table), phases))
                continue
            before, after = _bits(step.before), _bits(step.after)
            if isinstance(step, PermuteStep):
                from_view, to_view = _views(step.before, before, after)
                calls.append(partial(_copy, view(target, to_view), view(source, from_view)))
            else:
                fixed = {*step.wires, *step.columns}
                rest = [wire for wire in step.before if wire not in fixed]
                batch_in, batch_out = _views(rest, before, after)
                k, q = len(step.wires), len(step.columns)
                row_in, column_in = before[step.wires[0]], before[step.columns[0]] if q else 1
                row_out, column_out = after[step.result[0]], after[step.columns[0]] if q else 1
                shape = (*batch_in.shape, 1 << k, 1 << q)
                from_view = View(shape, (*batch_in.strides, row_in, column_in))
                to_view = View(shape, (*batch_out.strides, row_out, column_out))
                views = view(source, from_view), view(target, to_view)
                matrix = np.ascontiguousarray(numbers(step.matrix))
                if step.phases_before or step.phases_after:
                    first, last = map(phase, step.phases_before), map(phase, step.phases_after)
                    calls.append(partial(_product_by_tile, matrix, [*first], [*last], *views))
                else:
                    calls.append(partial(_product, _beside(matrix, views[0]), *views))
            source, target = target, source
        store_source = view(source, self.store_source)
        load_view, store_view = self.load_source, self.store_target
        flat = vectors.reshape(-1)
        offsets = self.offsets

        def run(base: int, number: int) -> None:
            offset = base + offsets[number]
            if whole is not None:
                whole.fill(0)
            np.copyto(load_target, view(flat, load_view, offset, row_size))
            for call in calls:
                call(number)
            np.copyto(view(flat, store_view, offset, row_size), store_source)

        return run


def _bits(wires: Sequence[int]) -> dict[int, int]:
    """The stride of each wire in an array whose bits are ``wires``, from the lowest."""
    return {wire: 1 << position for position, wire in enumerate(wires)}


def _product(matrix: ComplexArray, source: ComplexArray, target: ComplexArray, _: int) -> None:
    np.matmul(matrix, source, target)


def _product_by_tile(
    matrix: ComplexArray,
    before: Sequence[Phase],
    after: Sequence[Phase],
    source: ComplexArray,
    target: ComplexArray,
    tile: int,
) -> None:
    for phase in before:
        matrix = matrix * phase.of(tile)[..., None, :]
    for phase in after:
        matrix = matrix * phase.of(tile)[..., :, None]
    np.matmul(_beside(matrix, source), source, target)


def _beside(matrix: ComplexArray, source: ComplexArray) -> ComplexArray:
    """``matrix`` as a factor of ``source``: that of each vector, with axes of length 1 for all of
    the vector's products; one for all vectors as it is."""
    if matrix.ndim == 2:
        return matrix
    between = (1,) * (source.ndim - 3)
    return matrix.reshape(len(matrix), *between, *matrix.shape[1:])


def _multiply(data: ComplexArray, table: ComplexArray, phases: Sequence[Phase], tile: int) -> None:
    for phase in phases:
        table = table * phase.of(tile)
    np.multiply(data, table[..., None, :, None], data)


def _copy(target: ComplexArray, source: ComplexArray, _: int) -> None:
    np.copyto(target, source)


def _views(
    wires: Sequence[int], source: dict[int, int], target: dict[int, int]
) -> tuple[View, View]:
    """Views over ``wires``, from the lowest, by their strides in two arrays.

    Wires that are next to each other in both arrays share an axis.
    """
    shape: list[int] = []
    from_strides: list[int] = []
    to_strides: list[int] = []
    for wire in wires:
        if shape and (
            source[wire] == from_strides[-1] * shape[-1]
            and target[wire] == to_strides[-1] * shape[-1]
        ):
            shape[-1] *= 2
            continue
        shape.append(2)
        from_strides.append(source[wire])
        to_strides.append(target[wire])
    return (
        View(tuple(reversed(shape)), tuple(reversed(from_strides))),
        View(tuple(reversed(shape)), tuple(reversed(to_strides))),
    )
