"""Tile passes → programs for :mod:`simquay_numba.kernels.run`.

Everything that does not depend on the tile is decided here: which kernel runs a stage, on which
groups of blocks, with which coefficients. The part that does not depend on a stage's numbers either
is kept as a template, so that assembling is little more than joining templates. One-qubit stages
are held back: several on high bits, or on lanes, share one trip through the buffer. The result is
kept without its numbers, as an :class:`Assembly`, for all passes of the same structure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simquay.engine_api import (
    ALWAYS,
    DenseStage,
    DiagonalStage,
    PermuteStage,
    Precision,
    Stage,
    TilePass,
    mask_of,
)
from simquay_numba.assembly.diagonals import (
    chain,
    diagonal,
    group_keys,
    lanes_alike,
)
from simquay_numba.assembly.merging import Indices, Pair, Source, merged, places_of
from simquay_numba.assembly.stages import (
    FORMS,
    dense,
    flip_of,
    form_of,
    lane_layer,
    narrowed,
    permute,
    prepare,
)
from simquay_numba.assembly.template import Shape, Template, joined
from simquay_numba.assembly.trips import WholeTrip, whole_trip
from simquay_numba.buffers import address, aligned_bytes
from simquay_numba.compiling import compiled
from simquay_numba.kernels.run import BLOCK_BYTES, WORDS
from simquay_numba.kernels.vectors import lane_count

__all__ = ["Assembly", "TileProgram", "assemble", "can_assemble"]


@dataclass(slots=True, eq=False)
class TileProgram:
    """A pass, ready to run on vectors of its precision.

    Attributes:
        code: instructions, shape ``(lists, any, WORDS)``: one list, or one for each gate list of a
            sweep.
        lines: how many instructions a list has; notes follow them.
        trip: where tiles are read and written.
        fresh: see :func:`~simquay_numba.kernels.run.run_tiles`.
        buffer_bytes, scratch_bytes: memory that a thread needs.
        size: approximate bytes of this object.
        keep: the arrays whose addresses are in the instructions.
    """

    code: NDArray[np.int64]
    lines: int
    trip: WholeTrip
    fresh: bool
    buffer_bytes: int
    scratch_bytes: int
    size: int
    keep: tuple[Any, ...]


def can_assemble(pass_: TilePass, precision: Precision) -> bool:
    """Whether the tiles of a pass consist of blocks whose amplitudes are neighbours in the
    state."""
    lanes = lane_count(precision.real_dtype.itemsize)
    return pass_.active[:lanes] == tuple(range(lanes))


@dataclass(frozen=True, slots=True, eq=False)
class Assembly:
    """The program of a pass without its numbers: for all passes that differ in these alone.

    Attributes:
        precision: of the vectors.
        whole: the joined templates.
        trip: where tiles are read and written.
        places: of the numbers that the fills take, in order, among those of the pass.
        factors: further factors of some of these numbers: which numbers, and the places of the
            factors.
        fresh, buffer_bytes: see :class:`TileProgram`.
        lists_bytes: of the index lists that no other assembly shares.
    """

    precision: Precision
    whole: Template
    trip: WholeTrip
    places: Indices
    factors: list[tuple[Indices, Indices]]
    fresh: bool
    buffer_bytes: int
    lists_bytes: int

    @property
    def size(self) -> int:
        """About the bytes of this object."""
        indices = [self.places, *[index for pair in self.factors for index in pair]]
        whole = self.whole
        words = (whole.code, whole.notes, whole.fills, whole.note_fills)
        return (
            sum([index.nbytes for index in indices])
            + sum(map(len, words))
            + self.lists_bytes
            + 1000
        )

    def program(self, pass_: TilePass, lists: int = 1) -> TileProgram:
        """The program of a pass, or of one whose arrays have the numbers of so many gate lists."""
        arrays = [_NO_NUMBERS]
        for round_ in pass_.rounds:
            for stage in round_.stages:
                arrays += [array for array, _ in _arrays(stage)]
        given = np.concatenate([array.reshape(lists, -1) for array in arrays], axis=1)
        found = given.take(self.places, axis=1)
        for numbers, places in self.factors:
            found[:, numbers] *= given.take(places, axis=1)
        whole, precision = self.whole, self.precision
        lines = len(whole.code) // (8 * WORDS)
        notes = -(-len(whole.notes) // (8 * WORDS))
        words = np.zeros((lists, lines + notes, WORDS), dtype=np.int64)
        flat = words.reshape(lists, -1)
        own = np.frombuffer(whole.code + whole.notes, dtype=np.int64)
        flat[:, : len(own)] = own
        coefficients = aligned_bytes(lists * whole.room)
        _, pack = compiled(precision.complex_dtype)
        fills = np.frombuffer(whole.fills + whole.note_fills, dtype=np.int64).reshape(-1, 4)
        reals = found.astype(precision.complex_dtype, copy=False).view(precision.real_dtype)
        unit = precision.real_dtype.type(0)
        for number, some in enumerate(flat):
            target = address(coefficients) + number * whole.room
            pack(unit, some, lines, fills, reals[number], target, address(some) + len(whole.code))
        return TileProgram(
            words,
            lines,
            self.trip,
            self.fresh,
            self.buffer_bytes,
            whole.scratch,
            words.nbytes + coefficients.nbytes + 1000,
            (words, coefficients, whole.keep),
        )


def _arrays(stage: Stage) -> list[tuple[NDArray[np.complex128], int]]:
    """The arrays of a stage's numbers, and how many axes each has without that of gate lists."""
    if isinstance(stage, DenseStage):
        return [(stage.matrix, 2)]
    if isinstance(stage, DiagonalStage):
        return [(term.table, 1) for group in stage.groups for term in group.terms]
    return [] if isinstance(stage, PermuteStage) else [(stage.amplitudes, 1)]


def assemble(pass_: TilePass, precision: Precision, large: bool = False) -> Assembly:
    """The assembly of a pass that :func:`can_assemble` accepts.

    ``large``: flips move no blocks, where that can be helped; assembling takes longer.
    """
    assembler = _Assembler(pass_, precision, large)
    for round_ in pass_.rounds:
        for stage in round_.stages:
            assembler.stage(stage)
    return assembler.finish(pass_)


_MAX_STEPS = 3
"""The most high bits whose one-qubit matrices share a trip: 8 blocks fill 16 vector registers."""

# A pass of permutations alone has no other array.
_NO_NUMBERS = np.zeros(0, dtype=np.complex128)


class _Step(NamedTuple):
    """A step of a chain: diagonals, and the one-qubit matrix after them."""

    diagonals: list[Pair]
    bit: int
    matrix: Indices


class _Assembler:
    """Writes the templates of a pass, stage by stage; see :func:`assemble`."""

    def __init__(self, pass_: TilePass, precision: Precision, large: bool) -> None:
        self.precision = precision
        self.large = large
        real_bytes = precision.real_dtype.itemsize
        self.shape = Shape(len(pass_.active), lane_count(real_bytes), real_bytes)
        # A mask of high bits: where one of them is 1, all amplitudes are 0 before the next
        # template.
        new = [place for place, bit in enumerate(pass_.active) if bit >= pass_.before]
        self.zero = mask_of([place for place in new if place >= self.shape.lanes])
        self.templates: list[Template] = []
        self.sources: list[Source] = []
        self.note_sources: list[Source] = []
        self.count = 0  # of the pass's numbers in the stages so far
        # One-qubit stages without a condition that are held back, on different bits.
        self.waiting: list[tuple[int, int, Indices]] = []
        self.waiting_mask = 0
        # Steps that are held back: on different high bits, of one form.
        self.steps: list[_Step] = []
        self.form = 0
        # Diagonals after the last step that are held back.
        self.diagonals: list[Pair] = []

    def stage(self, stage: Stage) -> None:
        """Add a stage: write its template, or hold it back."""
        own = []
        for array, axes in _arrays(stage):
            shape = array.shape[-axes:]
            start, self.count = self.count, self.count + math.prod(shape)
            own.append(np.arange(start, self.count).reshape(shape))
        if isinstance(stage, DenseStage):
            bits = stage.bits
            where = stage.condition
            if len(bits) == 1 and where == ALWAYS:
                mask = 1 << bits[0]
                if mask & self.waiting_mask:
                    self.flush()
                self.waiting.append((FORMS[stage.form], bits[0], own[0]))
                self.waiting_mask |= mask
                return
            form = form_of(stage, self.shape.lanes)
            self.room_for(mask_of(bits) | where.local_mask)
            there = narrowed(self.shape, bits, form, where, self.zero)
            template = dense(self.shape, bits, form, there)
            (matrix,) = own
            if template.order is not None:
                matrix = matrix[template.order[:, None], template.order]
            self.templates.append(template)
            self.zero &= ~mask_of(bits)
            self.sources.append((matrix,))
        elif isinstance(stage, PermuteStage):
            source = stage.source.tobytes()
            place = (self.shape, stage.bits, source, stage.condition)
            flip = flip_of(*place) if self.large else None
            moved = None if flip is None else self.shape.flipped(*flip)
            if moved is None:
                self.write(permute(*place), stage.bits)
            else:
                self.room_for(mask_of(stage.bits) | stage.condition.local_mask)
                self.shape = moved
                self.zero &= ~mask_of(stage.bits)
        elif isinstance(stage, DiagonalStage):
            keys = group_keys(stage)
            for key in keys:
                if (mask_of(key.bits) | key.mask) & self.waiting_mask:
                    self.flush()
                    break
            tables = iter(own)
            for key, group in zip(keys, stage.groups, strict=True):
                sources = tuple([(next(tables),) for _ in group.terms])
                self.diagonals.append(Pair(key, sources))
        else:
            self.write(prepare(self.shape, stage.bits), stage.bits)
            self.sources.append((own[0],))

    def write(self, template: Template, targets: Sequence[int]) -> None:
        """Add a template that mixes or moves amplitudes along the local bits ``targets``."""
        self.room_for(template.seen)
        self.templates.append(template)
        self.zero &= ~mask_of(targets)

    def room_for(self, seen: int) -> None:
        """Write everything that must come before a stage that depends on the local bits
        ``seen``."""
        if seen & self.waiting_mask:
            self.flush()
        self.settle()

    def flush(self) -> None:
        """Write the waiting one-qubit stages; on high bits, they become steps."""
        waiting, self.waiting, self.waiting_mask = self.waiting, [], 0
        waiting.sort(key=itemgetter(0, 1))
        lanes = self.shape.lanes
        for form, members in groupby(waiting, key=itemgetter(0)):
            high = [(bit, matrix) for _, bit, matrix in members if bit >= lanes]
            while high:
                # Four are taken as two and two, since three and one would leave one matrix alone.
                size = 2 if len(high) in (2, 4) else min(_MAX_STEPS, len(high))
                self.trip(form, high[:size])
                del high[:size]
        low = [one for one in waiting if one[1] < lanes]
        if low:
            self.settle()
        for form, members in groupby(low, key=itemgetter(0)):
            layer = list(members)
            bits = tuple([bit for _, bit, _ in layer])
            self.templates.append(lane_layer(self.shape, form, bits, self.zero))
            self.sources += [(matrix,) for _, _, matrix in layer]

    def trip(self, form: int, matrices: Sequence[tuple[int, Indices]]) -> None:
        """Add steps of one form; the first one is after the diagonals that are held back."""
        if self.steps and (
            len(matrices) > 1
            or len(self.steps) == _MAX_STEPS
            or form != self.form
            or matrices[0][0] in [step.bit for step in self.steps]
        ):
            self.settle_steps()
        self.form = form
        for bit, matrix in matrices:
            self.steps.append(_Step(self.diagonals, bit, matrix))
            self.diagonals = []
        if len(matrices) > 1 and not self.steps[0].diagonals:
            self.settle_steps()  # fast as it is: a chain for the next diagonals would be slower

    def settle(self) -> None:
        """Write the steps, and the diagonals after them."""
        self.settle_steps()
        if self.diagonals:
            pairs = self.merged(self.diagonals, compact=False)
            self.diagonals = []
            self.templates.append(diagonal(self.shape, tuple([pair.key for pair in pairs])))
            self.sources += self.tables(pairs)

    def settle_steps(self) -> None:
        """Write the steps."""
        if not self.steps:
            return
        steps, self.steps = self.steps, []
        bits = tuple([step.bit for step in steps])
        self.zero &= ~mask_of(bits)
        self.sources += [(step.matrix,) for step in steps]
        groups = []
        fixed: list[Source] = []
        for step in steps:
            pairs = self.merged(step.diagonals, compact=True)
            pairs.sort(key=lambda pair: lanes_alike(pair.key, self.shape.lanes))
            fixed += self.tables(pairs)
            groups.append(tuple([key for key, _ in pairs]))
        self.note_sources += fixed
        self.templates.append(chain(self.shape, self.form, tuple(groups), bits, self.zero))

    def tables(self, pairs: Sequence[Pair]) -> list[Source]:
        """The tables of the groups that do not vary; those of the others are sources of notes."""
        fixed: list[Source] = []
        for key, tables in pairs:
            if key.terms is None:
                fixed += tables
            else:
                self.note_sources += tables
        return fixed

    def merged(self, pairs: Sequence[Pair], compact: bool) -> list[Pair]:
        """The groups of these diagonals, merged where that makes fewer."""
        return merged(pairs, self.shape.lanes, self.shape.real_bytes, compact)

    def finish(self, pass_: TilePass) -> Assembly:
        """The assembly: lanes are brought to their final places, and all templates are joined."""
        self.flush()
        self.settle()
        place = (pass_.before, pass_.width, pass_.active, pass_.store)
        trip = whole_trip(self.shape, *place)
        templates = self.templates
        if trip.last:
            templates += trip.last
        elif not self.large:
            # Flips at the end are done by the places that blocks are written to.
            flips = []
            while templates and (flip := templates[-1].flip) is not None:
                flips.append(flip)
                templates.pop()
            if flips:
                trip = whole_trip(self.shape, *place, tuple(reversed(flips)))
        whole = joined(templates)
        return Assembly(
            self.precision,
            whole,
            trip,
            *places_of(self.sources + self.note_sources),
            pass_.before < pass_.width,
            BLOCK_BYTES << self.shape.high,
            _bytes_of(whole.keep) if self.large else 0,
        )


def _bytes_of(kept: Any) -> int:
    """Of all arrays in nested tuples and lists."""
    return sum([one.nbytes if isinstance(one, np.ndarray) else _bytes_of(one) for one in kept])
