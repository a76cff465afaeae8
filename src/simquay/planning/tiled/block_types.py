"""Block types: the structure that blocks share, apart from their wires and their numbers.

A *wire* is a number that stays with a qubit's amplitudes for a whole plan, wherever they are
stored. A *block* is the unit that the tiled planner schedules. It has

- a type; circuits have few different ones, and equal ones are one object;
- wires: those that it acts on, then its controls;
- numbers, unless it is a permutation: where they start in the pool
  (:mod:`simquay.planning.numbers.pool`).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

import numpy as np

from simquay.planning.numbers.patterns import ONE, GateCode, Indices, matrix_pattern
from simquay.planning.tiled.cost import DENSE_FLOPS
from simquay.planning.tiled.passes import Form
from simquay.planning.wires import Trait

__all__ = [
    "BlockKind",
    "BlockType",
    "Trait",
    "apart_type",
    "changed",
    "diagonal_type",
    "matrix_type",
    "pattern_of",
    "permutation_type",
    "preparation_type",
    "source_of",
]

BlockKind = Literal["dense", "diagonal", "permute", "prepare"]


_block_type_ids = itertools.count()


@dataclass(slots=True, eq=False)
class BlockType:
    """How a block acts. Equal types on up to two wires are one object, as long as it is in use.

    Attributes:
        kind: the meaning of the numbers: a matrix, a diagonal, a state to prepare, or (for a
            permutation) none.
        size: how many wires it acts on; bit ``j`` of the numbers' index is the ``j``-th.
        controls: how many controls it has.
        state: the control state; bit ``j`` is what control ``j`` must be.
        form: how a matrix may be applied.
        is_real: whether no entry has an imaginary part.
        table: for a permutation: the new amplitude at ``i`` is the old one at ``table[i]``.
        entries: for a diagonal: where its entries are, counted from where its numbers start;
            None if they simply follow each other.
        total: wires and controls together.
        moves: whether amplitudes move along its wires, which must then be in the tile.
        flops: per amplitude, roughly; 0 but for matrices.
        fuses: on how many wires it may be part of a cluster, 1 or 2; or 0.
        code: a multiple of 4 that no other type has.
    """

    kind: BlockKind
    size: int
    controls: int = 0
    state: int = 0
    form: Form = "complex"
    is_real: bool = False
    table: tuple[int, ...] = ()
    entries: tuple[int, ...] | None = None
    total: int = field(init=False)
    moves: bool = field(init=False)
    flops: float = field(init=False)
    fuses: int = field(init=False)
    code: int = field(init=False)

    def __post_init__(self) -> None:
        self.total = self.size + self.controls
        self.moves = self.kind != "diagonal"
        rows = DENSE_FLOPS[self.form] << self.size
        self.flops = rows / (1 << self.controls) if self.kind == "dense" else 0.0
        self.fuses = self.total if self.total <= 2 and self.kind != "prepare" else 0
        self.code = next(_block_type_ids) << 2

    @property
    def extra(self) -> bytes:
        """What the type's patterns need besides (:mod:`simquay.planning.numbers.patterns`)."""
        if self.kind == "permute":
            return np.argsort(self.table).astype(np.intp).tobytes()
        return b"" if self.entries is None else np.array(self.entries, dtype=np.intp).tobytes()


_CODES: dict[BlockKind, GateCode] = {
    "dense": "m",
    "diagonal": "d",
    "permute": "p",
    "prepare": "s",
}


def pattern_of(type_: BlockType, bits: tuple[int, ...], width: int) -> Indices:
    """A block as a matrix on ``width`` bits, of which ``bits`` are its wires, then its controls."""
    own, held = bits[: type_.size], bits[type_.size :]
    return matrix_pattern(width, _CODES[type_.kind], own, held, type_.state, type_.extra)


@lru_cache(maxsize=4096)
def source_of(type_: BlockType, bits: tuple[int, ...], width: int) -> tuple[int, ...]:
    """A permutation's source table on ``width`` bits: the new entry ``i`` is the old ``[i]``."""
    rows = pattern_of(type_, bits, width).reshape(1 << width, -1)
    return tuple((rows == ONE).argmax(axis=1).tolist())


@lru_cache(maxsize=4096)
def matrix_type(size: int, controls: int, state: int, trait: int) -> BlockType:
    """A matrix on one wire or more, whose numbers have ``trait``; it is not diagonal."""
    real = bool(trait & Trait.REAL)
    form: Form = "real" if real else "complex"
    if trait & Trait.HADAMARD:
        form = "hadamard"
    elif trait & Trait.RX_LIKE:
        form = "rx_like"
    return _dense_type(size, controls, state, form, real)


@lru_cache(maxsize=4096)
def _dense_type(size: int, controls: int, state: int, form: Form, is_real: bool) -> BlockType:
    return BlockType("dense", size, controls, state, form, is_real)


@lru_cache(maxsize=4096)
def diagonal_type(
    size: int,
    controls: int,
    state: int,
    is_real: bool,
    entries: tuple[int, ...] | None = None,
) -> BlockType:
    """A diagonal; ``entries`` as in :class:`BlockType`."""
    return BlockType("diagonal", size, controls, state, is_real=is_real, entries=entries)


def apart_type(
    size: int, controls: int, state: int, is_real: bool, entries: tuple[int, ...]
) -> BlockType:
    """A diagonal with any ``entries``: perhaps those that simply follow each other."""
    if entries == tuple(range(1 << size)):
        return diagonal_type(size, controls, state, is_real)
    if size <= 6:
        return diagonal_type(size, controls, state, is_real, entries)
    # Long entries are rare, and would fill the cache.
    return BlockType("diagonal", size, controls, state, is_real=is_real, entries=entries)


def permutation_type(size: int, controls: int, state: int, table: tuple[int, ...]) -> BlockType:
    """A permutation; ``table`` as in :class:`BlockType`."""
    # Long tables are rare, and would fill the cache.
    make = _small_permutation_type if size <= 2 else _permutation_type
    return make(size, controls, state, table)


def _permutation_type(size: int, controls: int, state: int, table: tuple[int, ...]) -> BlockType:
    return BlockType("permute", size, controls, state, is_real=True, table=table)


_small_permutation_type = lru_cache(maxsize=4096)(_permutation_type)


@lru_cache(maxsize=64)
def preparation_type(size: int) -> BlockType:
    """A preparation of a state; on no wires, it is one factor, which is a diagonal."""
    return BlockType("prepare", size) if size else diagonal_type(0, 0, 0, False)


def changed(
    type_: BlockType, size: int, controls: int, state: int, entries: tuple[int, ...] | None
) -> BlockType:
    """``type_`` with other controls; a diagonal, with another size and other entries as well."""
    if type_.kind == "diagonal":
        if entries is None:
            return diagonal_type(size, controls, state, type_.is_real)
        return apart_type(size, controls, state, type_.is_real, entries)
    if type_.kind == "permute":
        return permutation_type(size, controls, state, type_.table)
    if type_.kind == "prepare":
        return type_
    return _dense_type(size, controls, state, type_.form, type_.is_real)
