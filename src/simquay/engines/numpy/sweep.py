"""Cluster passes of a sweep on a dense state: several vectors at once, each with its own matrices.

Several small vectors fit one tile buffer. A step is then one batched product for all of them; the
first axis of its matrices is the vector.
"""

from __future__ import annotations

import numpy as np

from simquay.control import Control
from simquay.engines.numpy.state import ComplexArray, DenseState
from simquay.engines.numpy.tiles import Buffers, Multiply, Permute, Phase, TileProgram, View
from simquay.planning.dense.steps import ClusterPass

__all__ = ["apply_sweep_clusters"]


def apply_sweep_clusters(
    state: DenseState, step: ClusterPass, buffers: Buffers, room: int, control: Control
) -> None:
    """Apply one pass of a :class:`~simquay.planning.SweepPlan` in place, in one thread.

    It works on as many vectors at once as have tiles of ``room`` amplitudes together. The new wires
    are within the state's capacity; the caller sets the layout.
    """
    program = TileProgram(step, state.buffer.dtype)
    vectors = max(1, min(state.batch, room // program.size))
    starts = range(0, state.batch, vectors)
    for done, first in enumerate(starts, start=1):
        rows = slice(first, min(first + vectors, state.batch))
        part = state.buffer[rows]
        pair = buffers.pair(0, len(part) * program.size)
        for tile in range(len(program.offsets)):
            control.check()
            _apply_tile(program, pair, part, rows, tile)
        control.report(done / len(starts))


def _apply_tile(
    program: TileProgram,
    pair: tuple[ComplexArray, ComplexArray],
    vectors: ComplexArray,
    rows: slice,
    tile: int,
) -> None:
    """Apply the pass to tile number ``tile`` of ``vectors``, which are ``rows`` of the state."""
    source, target = (half.reshape(len(vectors), -1) for half in pair)
    offset = program.offsets[tile]
    if program.partial:
        source.fill(0)
    np.copyto(_view(source, program.load_target), _view(vectors, program.load_source, offset))
    for step in program.steps:
        if isinstance(step, Multiply):
            table = step.table[rows]
            for phase in step.phases:
                table = table * _factors(phase, rows, tile)
            data = _view(source, step.view)
            np.multiply(data, table[:, None, :, None], data)
            continue
        before, after = _view(source, step.source), _view(target, step.target)
        if isinstance(step, Permute):
            np.copyto(after, before)
        else:
            matrix = step.matrix[rows]
            for phase in step.before:
                matrix = matrix * _factors(phase, rows, tile)[:, None, :]
            for phase in step.after:
                matrix = matrix * _factors(phase, rows, tile)[:, :, None]
            # One matrix for all products of its vector: axes of length 1 between.
            size = matrix.shape[-1]
            between = (1,) * (before.ndim - 3)
            np.matmul(matrix.reshape(len(vectors), *between, size, size), before, after)
        source, target = target, source
    np.copyto(_view(vectors, program.store_target, offset), _view(source, program.store_source))


def _factors(phase: Phase, rows: slice, tile: int) -> ComplexArray:
    """The diagonal of each of ``rows`` in this tile, shape ``(rows, 2**k)``."""
    factors: ComplexArray = phase.table[rows, phase.rows[tile]]
    return factors


def _view(array: ComplexArray, view: View, offset: int = 0) -> ComplexArray:
    """``view`` of each row of ``array``, from ``offset`` on."""
    item = array.itemsize
    strides = (array.strides[0], *[stride * item for stride in view.strides])
    shape = (len(array), *view.shape)
    result: ComplexArray = np.ndarray(shape, array.dtype, array, offset * item, strides)
    return result
