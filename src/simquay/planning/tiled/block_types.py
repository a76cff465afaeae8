"""Blocks, and their types: the structure that blocks share, apart from wires and numbers.

A *wire* is a number that stays with a qubit's amplitudes for a whole plan, wherever they are
stored. A *block* is the unit that the tiled planner schedules. It has

- a type; circuits have few different ones, and equal ones are one object;
- wires: those that it acts on, then its controls;
- numbers, unless it is a permutation: where they start in the pool
  (:mod:`simquay.planning.numbers.pool`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, TypeAlias

import numpy as np

from simquay.planning.numbers.patterns import ONE, GateCode, Indices, matrix_pattern
from simquay.planning.tiled.cost import DENSE_FLOPS
from simquay.planning.tiled.passes import Form

__all__ = ["Block", "BlockKind", "BlockType", "Member", "block_type", "pattern_of", "source_of"]

BlockKind = Literal["dense", "diagonal", "permute", "prepare"]


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
        affine: whether a matrix is real, and its first row that of the identity.
        source: for a permutation: the new amplitude at ``i`` is the old one at ``source[i]``. For
            a diagonal: where its entries are, counted from where its numbers start; empty if they
            simply follow each other.
        total: wires and controls together.
        moves: whether amplitudes move along its wires, which must then be in the tile.
        flops: per amplitude, roughly; 0 but for matrices.
        fuses: on how many wires it may be part of a cluster, 1 or 2; or 0.
        placed: the type as a member of a cluster: on its first wire, on its second, on both, and on
            both the other way round.
    """

    kind: BlockKind
    size: int
    controls: int = 0
    state: int = 0
    form: Form = "complex"
    is_real: bool = False
    source: tuple[int, ...] = ()
    affine: bool = False
    total: int = field(init=False)
    moves: bool = field(init=False)
    flops: float = field(init=False)
    fuses: int = field(init=False)
    placed: tuple[Member, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.total = self.size + self.controls
        self.moves = self.kind != "diagonal"
        rows = DENSE_FLOPS[self.form] << self.size
        self.flops = rows / (1 << self.controls) if self.kind == "dense" else 0.0
        self.fuses = self.total if self.total <= 2 and self.kind != "prepare" else 0
        self.placed = ((self, (0,)), (self, (1,)), (self, (0, 1)), (self, (1, 0)))

    @property
    def extra(self) -> bytes:
        """What the type's patterns need besides (:mod:`simquay.planning.numbers.patterns`)."""
        source = np.array(self.source, dtype=np.intp)
        return (np.argsort(source) if self.kind == "permute" else source).tobytes()


Member: TypeAlias = tuple[BlockType, tuple[int, ...]]
"""A block of a cluster: its type, and its wires, followed by its controls."""

Block: TypeAlias = tuple[BlockType, tuple[int, ...], int]
"""``(type, wires, start)``: the wires that it acts on, then its controls, and where in the pool its
numbers start. It is a plain tuple, since there is one for almost every gate."""


def block_type(
    kind: BlockKind,
    size: int,
    controls: int = 0,
    state: int = 0,
    form: Form = "complex",
    is_real: bool = False,
    source: tuple[int, ...] = (),
    affine: bool = False,
) -> BlockType:
    """The type with these attributes, as in :class:`BlockType`."""
    if source and kind == "diagonal" and source == tuple(range(1 << size)):
        source = ()
    # Long tables are rare, and would fill the cache.
    make = BlockType if len(source) > _LONG else _kept_type
    return make(kind, size, controls, state, form, is_real, source, affine)


_LONG = 64
_kept_type = lru_cache(maxsize=4096)(BlockType)

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
