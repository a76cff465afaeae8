"""Acts: how a block acts, whatever its wires and its numbers. Circuits have few different ones.

A *wire* is a place for a qubit's amplitudes. A block, which is what the tiled planner schedules,
is three things, each in a list of its own: its act; its wires, those that it acts on first, then
its controls; and where in the pool its numbers start (:mod:`simquay.planning.tiled.numbers.pool`).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from simquay.planning.tiled.cost import DENSE_FLOPS
from simquay.planning.tiled.passes import Form

__all__ = [
    "TRAIT_DIAGONAL",
    "TRAIT_FORMS",
    "TRAIT_REAL",
    "Act",
    "Kind",
    "diagonal_act",
    "matrix_act",
    "permute_act",
    "prepare_act",
    "restricted",
    "with_controls",
]

Kind = Literal["dense", "diagonal", "permute", "prepare"]

TRAIT_FORMS: tuple[Form, ...] = ("complex", "real", "cross", "hadamard")
"""A trait, which is all that planning may learn from numbers, is an index into this, or this:"""
TRAIT_DIAGONAL = 4
TRAIT_REAL = 8
"""Added to it where no entry has an imaginary part."""

_numbers = itertools.count()


@dataclass(slots=True, eq=False)
class Act:
    """How a block acts. Equal acts on up to two wires are one object, as long as it is in use.

    Attributes:
        kind: what the numbers are: a matrix, a diagonal, a state to prepare, or (for a
            permutation) none.
        size: how many wires it acts on; bit ``j`` of the numbers' index is the ``j``-th.
        controls: how many controls it has.
        state: the control state.
        form: how a matrix may be applied.
        is_real: whether no entry has an imaginary part.
        table: for a permutation: the new amplitude at ``i`` is the old one at ``table[i]``.
        entries: for a diagonal: where its entries are, counted from where its numbers start;
            None if they simply follow each other.
        total: wires and controls together.
        moves: whether amplitudes move along its wires, which must then be in the tile.
        flops: per amplitude, roughly; 0 but for matrices.
        fuses: on how many wires it may be part of a cluster, 1 or 2; or 0.
        code: a multiple of 4 of its own.
    """

    kind: Kind
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
        self.code = next(_numbers) << 2


@lru_cache(maxsize=4096)
def matrix_act(size: int, controls: int, state: int, trait: int) -> Act:
    """A matrix with the trait ``trait``; without wires, or if it is diagonal, a diagonal."""
    real = bool(trait & TRAIT_REAL)
    form = trait & ~TRAIT_REAL
    if form == TRAIT_DIAGONAL or not size:
        entries = tuple(range(0, 1 << 2 * size, (1 << size) + 1))
        return diagonal_act(size, controls, state, real, entries if size else None)
    return Act("dense", size, controls, state, TRAIT_FORMS[form], real)


@lru_cache(maxsize=4096)
def diagonal_act(
    size: int,
    controls: int,
    state: int,
    is_real: bool,
    entries: tuple[int, ...] | None = None,
) -> Act:
    """A diagonal."""
    return Act("diagonal", size, controls, state, is_real=is_real, entries=entries)


def permute_act(size: int, controls: int, state: int, table: tuple[int, ...]) -> Act:
    """A permutation."""
    # Long tables are rare, and would fill the cache.
    make = _small_permute_act if size <= 2 else _permute_act
    return make(size, controls, state, table)


def _permute_act(size: int, controls: int, state: int, table: tuple[int, ...]) -> Act:
    return Act("permute", size, controls, state, is_real=True, table=table)


_small_permute_act = lru_cache(maxsize=4096)(_permute_act)


@lru_cache(maxsize=64)
def prepare_act(size: int) -> Act:
    """A preparation; of no wires, it is one factor."""
    return Act("prepare", size) if size else diagonal_act(0, 0, 0, False)


def with_controls(act: Act, controls: int, state: int) -> Act:
    """``act`` with other controls."""
    if act.kind == "diagonal":
        return _diagonal(act.size, controls, state, act.is_real, act.entries)
    if act.kind == "permute":
        return permute_act(act.size, controls, state, act.table)
    trait = TRAIT_FORMS.index(act.form) | (TRAIT_REAL if act.is_real else 0)
    return matrix_act(act.size, controls, state, trait)


def restricted(act: Act, kept: tuple[int, ...]) -> Act:
    """The diagonal ``act`` where all its wires but those at ``kept`` (ascending) are |0>."""
    entries = [0]
    for bit in kept:
        entries += [entry | 1 << bit for entry in entries]
    if act.entries is not None:
        entries = [act.entries[entry] for entry in entries]
    found = tuple(entries)
    straight = found == tuple(range(len(found)))
    return _diagonal(len(kept), act.controls, act.state, act.is_real, None if straight else found)


def _diagonal(
    size: int, controls: int, state: int, is_real: bool, entries: tuple[int, ...] | None
) -> Act:
    """:func:`diagonal_act`, without long entries in its cache."""
    if entries is None or len(entries) <= 64:
        return diagonal_act(size, controls, state, is_real, entries)
    return Act("diagonal", size, controls, state, is_real=is_real, entries=entries)
