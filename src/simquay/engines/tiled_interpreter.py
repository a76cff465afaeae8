"""Passes of tiled plans on NumPy arrays: plain, slow and right.

This is the oracle for engines that run tiled plans in compiled kernels. It follows
:mod:`simquay.planning.tiled.passes` word for word. Those engines call it, too, for the rare passes
that their kernels do not take.

*Arrays.* ``amplitudes`` has shape ``(batch, size)``, with ``size`` at least ``2**pass_.width``. The
state is in its first ``2**pass_.before`` columns before a pass, and in the first ``2**pass_.width``
after it; a pass never reads what is beyond.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simquay.planning.tiled.passes import (
    DenseStage,
    DiagonalStage,
    PermuteStage,
    Stage,
    TilePass,
    WidePass,
)
from simquay.program.bits import extract, mask_of, spread
from simquay.program.gates import Matrix, Permutation

__all__ = ["apply_tile_pass", "apply_wide"]

Amplitudes = NDArray[np.complexfloating[Any]]

WIDE_BITS = 19
"""A wide pass takes up to ``2**WIDE_BITS`` amplitudes at a time."""


def apply_tile_pass(amplitudes: Amplitudes, pass_: TilePass) -> None:
    """Apply one tile pass in place; all tiles at once, one stage after the other."""
    batch = len(amplitudes)
    vector = _grown(amplitudes, pass_.before, pass_.width)
    tensor = vector.reshape((batch,) + (2,) * pass_.width)
    outer = pass_.outer
    loaded = tensor.transpose(_axes(pass_.width, (*pass_.active, *outer)))
    tiles = loaded.reshape(batch, 1 << len(outer), 1 << len(pass_.active)).copy()
    for stage in pass_.stages:
        _apply_stage(tiles, stage)
    stored = [pass_.active[position] for position in pass_.store]
    target = tensor.transpose(_axes(pass_.width, (*stored, *outer)))
    target[...] = tiles.reshape(target.shape)


def _grown(amplitudes: Any, before: int, width: int) -> Any:
    """A view of the vectors of ``width`` qubits, of which those from ``before`` on are now |0>."""
    vector = amplitudes[:, : 1 << width]
    vector[:, 1 << before :] = 0
    return vector


def _axes(width: int, bits: Sequence[int]) -> list[int]:
    """Axes that put the storage bit ``bits[0]`` last; axis 0 is the batch and stays."""
    return [0, *(width - bit for bit in reversed(bits))]


def _apply_stage(tiles: Amplitudes, stage: Stage) -> None:
    """Apply ``stage`` to ``tiles``, of shape ``(batch, tiles, local)``, in place."""
    if isinstance(stage, DiagonalStage):
        _apply_diagonal(tiles, stage)
        return
    size = 1 << len(stage.bits)
    local = np.arange(tiles.shape[2])
    numbers: NDArray[np.intp] = np.arange(tiles.shape[1])
    base = local[_matches(local, mask_of(stage.bits), 0)]
    if isinstance(stage, (DenseStage, PermuteStage)):
        where = stage.condition
        base = base[_matches(base, where.local_mask, where.local_value)]
        numbers = numbers[_matches(numbers, where.outer_mask, where.outer_value)]
    # columns[s] are the local indices where the stage's bits are s.
    columns = spread(stage.bits)[:, None] | base[None, :]
    index = np.ix_(np.arange(len(tiles)), numbers, columns.ravel())
    block = tiles[index].reshape(len(tiles), len(numbers), size, len(base))
    if isinstance(stage, DenseStage):
        new = np.matmul(stage.matrix, block)
    elif isinstance(stage, PermuteStage):
        new = block[:, :, stage.source]
    else:
        new = stage.amplitudes[:, None] * block[:, :, :1]
    tiles[index] = new.reshape(len(tiles), len(numbers), -1)


def _apply_diagonal(tiles: Amplitudes, stage: DiagonalStage) -> None:
    local = np.arange(tiles.shape[2])
    numbers = np.arange(tiles.shape[1])
    for group in stage.groups:
        inside = local[_matches(local, group.local_mask, group.local_value)]
        for term in group.terms:
            met = numbers[_matches(numbers, term.outer_mask, term.outer_value)]
            bits = [group.bits[place] for place in term.places]
            index = (extract(met, term.outer) << len(bits))[:, None]
            index = index | extract(inside, bits)[None, :]
            tiles[np.ix_(np.arange(len(tiles)), met, inside)] *= term.table[index]


def _matches(values: NDArray[np.intp], mask: int, value: int) -> NDArray[np.bool_]:
    matched: NDArray[np.bool_] = (values & mask) == value
    return matched


def apply_wide(amplitudes: Any, pass_: WidePass, xp: Any) -> None:
    """Apply a wide pass in place to ``amplitudes``, an array of the library ``xp``.

    ``xp`` is ``numpy`` or ``cupy``. Besides the state, it takes the gate's numbers and two copies
    of a part of the state: of ``2**WIDE_BITS`` amplitudes, or as many as one gate changes.
    """
    gate = pass_.gate
    width = pass_.width
    vector = _grown(amplitudes, pass_.before, width)
    chosen = set(gate.qubits) | set(gate.controls)
    others = tuple(bit for bit in range(width) if bit not in chosen)
    size = 1 << len(gate.qubits)
    count = max(WIDE_BITS - (len(vector) * size - 1).bit_length(), 0)
    together, one_by_one = others[:count], others[count:]
    fixed = (*one_by_one, *gate.controls)
    tensor = vector.reshape((len(vector),) + (2,) * width)
    moved = tensor.transpose(_axes(width, (*together, *gate.qubits, *fixed)))
    if isinstance(gate, Matrix):
        numbers = xp.asarray(gate.matrix, dtype=vector.dtype)
    elif isinstance(gate, Permutation):
        source = np.empty(size, dtype=np.intp)
        source[gate.table] = np.arange(size)
        numbers = xp.asarray(source)
    else:
        numbers = xp.asarray(gate.amplitudes, dtype=vector.dtype)[:, None]
    for other in range(1 << len(one_by_one)):
        values = other | gate.control_state << len(one_by_one)
        part = moved  # the axes of fixed bits come right after the batch, the highest first
        for position in reversed(range(len(fixed))):
            part = part[:, values >> position & 1]
        block = part.reshape(len(vector), size, 1 << len(together))
        if isinstance(gate, Matrix):
            new = xp.matmul(numbers, block)
        elif isinstance(gate, Permutation):
            new = block[:, numbers]
        else:
            new = numbers * block[:, :1]
        part[...] = new.reshape(part.shape)
