"""Tile passes → instructions for :mod:`quayside_numba.kernels`.

Everything that does not depend on the tile is decided here: which kernel runs a stage, on which
groups of blocks, with which coefficients. One-qubit stages wait for company: several on high
bits, or on lanes, take one trip through the buffer together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quayside.planning.tile_plan import (
    ALWAYS,
    Condition,
    DenseStage,
    DiagonalStage,
    PermuteStage,
    PrepareStage,
    Stage,
    TilePass,
)
from quayside.program import Precision
from quayside_numba.diagonals import MAX_GROUPS, Tables, group_factors
from quayside_numba.geometry import (
    block_groups,
    deposited,
    local_offsets,
    matrix_places,
)
from quayside_numba.kernels import (
    BLOCK_BYTES,
    DENSE,
    DIAGONAL,
    FLIP,
    GENERAL,
    GENERAL_DENSE,
    GENERAL_PERMUTE,
    GENERAL_PREPARE,
    LAYER,
    SWAP,
    TABLE,
    WIDE,
    WORDS,
)
from quayside_numba.memory import Pool, address
from quayside_numba.vectors import (
    COMPLEX,
    CROSS,
    DENSE_VARIANTS,
    LAYER_VARIANTS,
    REAL,
    SWAP_VARIANTS,
    VECTOR_BYTES,
    lane_count,
)

__all__ = ["TileProgram", "assemble", "can_assemble"]

_FORMS = {"complex": COMPLEX, "real": REAL, "cross": CROSS, "hadamard": REAL}
_DENSE = {variant: number for number, variant in enumerate(DENSE_VARIANTS)}
_LAYER = {variant: number for number, variant in enumerate(LAYER_VARIANTS)}
_SWAP = {variant: number for number, variant in enumerate(SWAP_VARIANTS)}

_MAX_GROUP = 3
"""High bits whose one-qubit matrices share a trip: 8 blocks fill 16 vector registers."""


class _Kernel(NamedTuple):
    """What decides the coefficients of a dense kernel, beside its matrix.

    Lanes where ``mask`` is not ``value`` are left as they are. See ``DENSE_VARIANTS`` for the rest.
    """

    lanes: tuple[int, ...]
    high: int
    mask: int
    value: int
    form: int


_IDENTITY = np.eye(2, dtype=np.complex128)


@dataclass(slots=True, eq=False)
class TileProgram:
    """A pass, ready to run on vectors of its precision.

    Attributes:
        code: instructions, shape ``(count, WORDS)``.
        tile_offsets: byte offset of each tile.
        load_from, load_to, load_few, store_to, fresh: see :func:`~.kernels.run_tiles`.
        buffer_bytes, scratch_bytes: memory that a thread needs.
        size: about the bytes that this object takes.
        keep: the arrays that instructions point at.
    """

    code: NDArray[np.int64]
    tile_offsets: NDArray[np.int64]
    load_from: NDArray[np.int64]
    load_to: NDArray[np.int64]
    load_few: int
    store_to: NDArray[np.int64]
    fresh: bool
    buffer_bytes: int
    scratch_bytes: int
    size: int
    keep: list[Any]


def can_assemble(pass_: TilePass, precision: Precision) -> bool:
    """Whether the tiles of a pass have the shape that the kernels work on: whole blocks that are
    neighbours in the state."""
    lanes = lane_count(precision.real_dtype.itemsize)
    return pass_.active[:lanes] == tuple(range(lanes))


@dataclass(slots=True, eq=False)
class _Waiting:
    """One-qubit stages without a condition that have not been written yet, one a bit."""

    high: dict[int, list[tuple[int, NDArray[Any]]]] = field(default_factory=dict)
    lane: dict[int, dict[int, NDArray[Any]]] = field(default_factory=dict)
    mask: int = 0


def assemble(pass_: TilePass, precision: Precision) -> TileProgram:
    """The instructions of a pass; it must be one that :func:`can_assemble` accepts."""
    assembler = _Assembler(len(pass_.active), precision)
    for stage in pass_.stages:
        assembler.stage(stage)
    assembler.flush()
    return assembler.finish(pass_)


class _Assembler:
    def __init__(self, total: int, precision: Precision) -> None:
        self.total = total
        self.real = precision.real_dtype
        self.complex = precision.complex_dtype
        self.lanes = lane_count(self.real.itemsize)
        self.width = 1 << self.lanes
        self.high = total - self.lanes
        self.lane_mask = self.width - 1
        self.lines: list[list[int]] = []
        self.pool = Pool(self.real)
        self.tables = Tables()
        self.scratch_bytes = VECTOR_BYTES
        self.waiting = _Waiting()
        self.pointed: list[tuple[int, int, int]] = []  # line, word, block of the pool
        self.wanted: dict[_Kernel, list[tuple[NDArray[Any], int]]] = {}

    def stage(self, stage: Stage) -> None:
        if isinstance(stage, DiagonalStage):
            seen = 0
            for group in stage.groups:
                seen |= group.local_mask | sum(1 << bit for bit in group.bits)
            if seen & self.waiting.mask:
                self.flush()
            self.diagonal(stage)
            return
        seen = sum(1 << bit for bit in stage.bits)
        if isinstance(stage, DenseStage) and self._waits(stage, seen):
            return
        if not isinstance(stage, PrepareStage):
            seen |= stage.condition.local_mask
        if seen & self.waiting.mask:
            self.flush()
        if isinstance(stage, DenseStage):
            self.dense(stage)
        elif isinstance(stage, PermuteStage):
            self.permute(stage)
        else:
            self.prepare(stage)

    def line(self, *words: int) -> int:
        """Write an instruction; its number."""
        self.lines.append([*words, *[0] * (WORDS - len(words))])
        return len(self.lines) - 1

    def point(self, line: int, word: int, values: NDArray[Any]) -> None:
        """Let a word be the address of a copy of ``values``."""
        self.pointed.append((line, word, self.pool.add(values)))

    def index(self, values: NDArray[Any]) -> int:
        """The address of an index list, which is kept."""
        self.pool.keep.append(values)
        return address(values)

    # One-qubit matrices.

    def _waits(self, stage: DenseStage, seen: int) -> bool:
        where = stage.condition
        if len(stage.bits) > 1 or where.local_mask or where.outer_mask:
            return False
        if seen & self.waiting.mask:
            self.flush()
        (bit,) = stage.bits
        form = _FORMS[stage.form]
        if bit < self.lanes:
            self.waiting.lane.setdefault(form, {})[bit] = stage.matrix
        else:
            self.waiting.high.setdefault(form, []).append((bit - self.lanes, stage.matrix))
        self.waiting.mask |= seen
        return True

    def flush(self) -> None:
        """Write the stages that wait."""
        waiting, self.waiting = self.waiting, _Waiting()
        for form, entries in waiting.high.items():
            entries.sort(key=lambda entry: entry[0])
            count = len(entries)
            start = 0
            while start < count:
                # Four bits left are two and two: one alone would be a trip for itself.
                size = 2 if count - start in (2, 4) else min(_MAX_GROUP, count - start)
                part = entries[start : start + size]
                bits = tuple([bit for bit, _ in part])
                if size == 1:
                    self._matrix(part[0][1], (), bits, form)
                else:
                    kernel = _Kernel((), 1, 0, 0, form)
                    blocks = [self._coefficients(matrix, kernel) for _, matrix in part]
                    self._write(LAYER, _LAYER[size, False, form], bits, blocks[0])
                start += size
        for form, matrices in waiting.lane.items():
            if len(matrices) == 1:
                ((lane, matrix),) = matrices.items()
                self._matrix(matrix, (lane,), (), form)
                continue
            blocks = [
                self._coefficients(matrices.get(lane, _IDENTITY), _Kernel((lane,), 0, 0, 0, form))
                for lane in range(self.lanes)
            ]
            self._write(LAYER, _LAYER[0, True, form], (), blocks[0])

    # Matrices.

    def _coefficients(self, matrix: NDArray[Any], kernel: _Kernel) -> int:
        """The pool's block for the vectors that a kernel reads; blocks follow each other."""
        parts = 2 if kernel.form == COMPLEX else 1
        block = self.pool.reserve((parts * self.width << kernel.high * 2) << len(kernel.lanes))
        self.wanted.setdefault(kernel, []).append((matrix, block))
        return block

    def _fill(self) -> None:
        """Make the coefficients of all matrices, those for alike kernels at once."""
        for kernel, wanted in self.wanted.items():
            rows, columns, places, idle = matrix_places(self.width, *kernel[:4])
            matrices = np.array([matrix for matrix, _ in wanted])
            count = len(wanted)
            if kernel.form == COMPLEX:
                flat = matrices.astype(np.complex128, copy=False).view(np.float64)
                vectors = flat.reshape(count, -1)[:, places]
            else:
                reals = matrices.real
                if kernel.form == CROSS:
                    reals = reals + matrices.imag
                vectors = reals[:, rows, columns]
            if kernel.mask:
                if kernel.form == COMPLEX:
                    vectors[:, :, :, :, 0, idle] = (rows == columns)[..., idle]
                    vectors[:, :, :, :, 1, idle] = 0
                else:
                    vectors[..., idle] = (rows == columns)[..., idle]
            for (_, block), values in zip(wanted, vectors, strict=True):
                self.pool.fill(block, values)

    def dense(self, stage: DenseStage) -> None:
        lanes = tuple(bit for bit in stage.bits if bit < self.lanes)
        high = tuple(bit - self.lanes for bit in stage.bits if bit >= self.lanes)
        form = _FORMS[stage.form]
        where = stage.condition
        if (len(high), lanes, form) in _DENSE:
            self._matrix(stage.matrix, lanes, high, form, where)
            return
        # Lanes change places with high bits that the stage does not look at, and back.
        seen = where.local_mask >> self.lanes | sum(1 << bit for bit in high)
        free = [bit for bit in range(self.high) if not seen >> bit & 1][: len(lanes)]
        lane_mask = where.local_mask & self.lane_mask
        if len(free) == len(lanes) and (len(stage.bits) == 3 or not lane_mask):
            if lanes:
                self._swap(lanes, free)
            moved = {lane: bit + self.lanes for lane, bit in zip(lanes, free, strict=True)}
            old = [moved.get(bit, bit) for bit in stage.bits]
            bits = sorted(old)
            order = deposited(len(bits), [old.index(bit) for bit in bits])
            matrix = stage.matrix[order[:, None], order]
            places = tuple(bit - self.lanes for bit in bits)
            if len(bits) == 3:
                self._matrix(matrix, (), places, form, where)
            else:
                self._wide(matrix, places, where)
            if lanes:
                self._swap(lanes, free)
        else:
            matrix = np.ascontiguousarray(stage.matrix, dtype=self.complex).view(self.real)
            self._general(GENERAL_DENSE, stage.bits, stage.condition, matrix)

    def _matrix(
        self,
        matrix: NDArray[Any],
        lanes: tuple[int, ...],
        high: tuple[int, ...],
        form: int,
        where: Condition = ALWAYS,
    ) -> None:
        mask, value = where.local_mask & self.lane_mask, where.local_value & self.lane_mask
        block = self._coefficients(matrix, _Kernel(lanes, len(high), mask, value, form))
        self._write(DENSE, _DENSE[len(high), lanes, form], high, block, where)

    def _wide(self, matrix: NDArray[Any], bits: tuple[int, ...], where: Condition) -> None:
        mask, value = where.local_mask >> self.lanes, where.local_value >> self.lanes
        groups = block_groups(self.high, bits, mask, value)
        others = tuple(bit for bit in range(self.high) if bit not in bits)
        places = block_groups(self.high, others, 0, 0)
        self.need_scratch(BLOCK_BYTES * len(matrix))
        lists = (self.index(groups), self.index(places))
        outer = (where.outer_mask, where.outer_value)
        line = self.line(WIDE, len(matrix), len(groups), *lists, 0, 0, 0, *outer)
        entries = np.ascontiguousarray(matrix, dtype=self.complex).view(self.real)
        self.point(line, 5, entries)

    def _write(
        self,
        opcode: int,
        variant: int,
        bits: tuple[int, ...],
        block: int,
        where: Condition = ALWAYS,
    ) -> None:
        mask, value = where.local_mask >> self.lanes, where.local_value >> self.lanes
        groups = block_groups(self.high, bits, mask, value)
        distances = [BLOCK_BYTES << bit for bit in bits] + [0] * (3 - len(bits))
        outer = (where.outer_mask, where.outer_value)
        line = self.line(opcode, variant, len(groups), self.index(groups), *distances, 0, *outer)
        self.pointed.append((line, 7, block))

    # Diagonals.

    def diagonal(self, stage: DiagonalStage) -> None:
        """One trip multiplies by up to four groups' factors."""
        place = 0  # in the scratch: the tables of one trip are there together
        for start in range(0, len(stage.groups), MAX_GROUPS):
            factors = [
                group_factors(group, self.lanes, self.high, self.real)
                for group in stage.groups[start : start + MAX_GROUPS]
            ]
            tables = [0] * MAX_GROUPS
            for number, one in enumerate(factors):
                if one.blocks is None:
                    line = self.line(TABLE, 0)
                    tables[number] = -1 - place
                    place = self.tables.describe(line, one, place, self.real, self.pool)
            self.need_scratch(place)
            indices = [self.index(one.indices) for one in factors]
            indices += [0] * (MAX_GROUPS - len(factors))
            line = self.line(DIAGONAL, len(factors), *indices, *tables)
            for number, one in enumerate(factors):
                if one.blocks is not None:
                    self.point(line, 6 + number, one.blocks)
            place = 0

    def need_scratch(self, count: int) -> None:
        """Let threads have at least so many bytes of scratch memory."""
        self.scratch_bytes = max(self.scratch_bytes, count)

    # Permutations, preparations, and what has no kernel of its own.

    def permute(self, stage: PermuteStage) -> None:
        where = stage.condition
        if stage.is_flip and stage.bits[0] >= self.lanes and not where.local_mask & self.lane_mask:
            bit = stage.bits[0] - self.lanes
            mask, value = where.local_mask >> self.lanes, where.local_value >> self.lanes
            groups = block_groups(self.high, (bit,), mask, value)
            address = self.index(groups)
            distance = BLOCK_BYTES << bit
            outer = (where.outer_mask, where.outer_value)
            self.line(FLIP, 0, len(groups), address, distance, 0, 0, 0, *outer)
        elif len(stage.bits) <= 2:
            matrix = np.zeros((len(stage.source),) * 2, dtype=np.complex128)
            matrix[np.arange(len(stage.source)), stage.source] = 1
            self.dense(DenseStage(stage.bits, matrix, "real", where))
        else:
            self._general(GENERAL_PERMUTE, stage.bits, where, stage.source.astype(np.int32))

    def prepare(self, stage: PrepareStage) -> None:
        if len(stage.bits) <= 2:
            matrix = np.zeros((len(stage.amplitudes),) * 2, dtype=np.complex128)
            matrix[:, 0] = stage.amplitudes
            self.dense(DenseStage(stage.bits, matrix))
            return
        amplitudes = stage.amplitudes.astype(self.complex).view(self.real)
        self._general(GENERAL_PREPARE, stage.bits, None, amplitudes)

    def _general(self, kind: int, bits: tuple[int, ...], where: Any, numbers: NDArray[Any]) -> None:
        local = (where.local_mask, where.local_value) if where is not None else (0, 0)
        outer = (where.outer_mask, where.outer_value) if where is not None else (0, 0)
        bases, places = local_offsets(self.total, self.lanes, bits, *local)
        self.need_scratch(2 * self.real.itemsize << len(bits))
        line = self.line(
            GENERAL,
            kind,
            len(bits),
            len(bases),
            self.index(bases),
            self.index(places),
            0,
            0,
            *outer,
        )
        if numbers.dtype == np.int32:
            self.lines[line][6] = self.index(numbers)
        else:
            self.point(line, 6, numbers)

    def _swap(self, lanes: Sequence[int], high: Sequence[int]) -> None:
        groups = block_groups(self.high, tuple(sorted(high)), 0, 0)
        distances = [BLOCK_BYTES << bit for bit in high]
        self.line(SWAP, _SWAP[tuple(lanes)], len(groups), self.index(groups), *distances)

    # The ends of a pass.

    def finish(self, pass_: TilePass) -> TileProgram:
        """Settle the lanes for writing back, and put all together."""
        places = self._settle_lanes(pass_.store)
        amplitude = 2 * self.real.itemsize
        lanes = self.lanes
        stored = [pass_.active[pass_.store[places[lanes + bit]]] for bit in range(self.high)]
        read = [bit for bit in range(self.high) if pass_.active[lanes + bit] < pass_.before]
        fresh = pass_.before < pass_.width
        few = 1 << pass_.before if pass_.before < lanes else 0
        load_from, load_to = _loads(tuple(pass_.active[lanes + b] for b in read), tuple(read))
        outer = pass_.outer
        store_to = _byte_offsets(tuple(stored), amplitude)
        self._fill()
        words = self.pool.settle()
        for line, word, block in self.pointed:
            self.lines[line][word] = words + self.pool.offset(block)
        for line, description in self.tables.settle(words, self.pool):
            self.lines[line][1] = description
        code = np.array(self.lines, dtype=np.int64).reshape(-1, WORDS)
        return TileProgram(
            code,
            _byte_offsets(outer, amplitude),
            load_from * amplitude,
            load_to,
            few,
            store_to,
            fresh,
            BLOCK_BYTES << self.high,
            self.scratch_bytes,
            self.pool.size + code.nbytes + 1000,
            [self.pool, self.tables],
        )

    def _settle_lanes(self, store: Sequence[int]) -> list[int]:
        """Bring what is written to the lowest storage bits into the lanes, in order.

        Returns the local bit that each bit of the buffer holds then.
        """
        places = list(range(self.total))
        lanes, high = [], []
        for lane in range(self.lanes):
            local = store.index(lane)
            at = places.index(local)
            if at == lane:
                continue
            if at < self.lanes:
                swap = np.eye(4, dtype=np.complex128)[[0, 2, 1, 3]]
                self.dense(DenseStage((min(lane, at), max(lane, at)), swap, "real"))
                places[lane], places[at] = places[at], places[lane]
            else:
                lanes.append(lane)
                high.append(at - self.lanes)
        if lanes:
            self._swap(lanes, high)
            for lane, bit in zip(lanes, high, strict=True):
                at = bit + self.lanes
                places[lane], places[at] = places[at], places[lane]
        return places


@lru_cache(maxsize=256)
def _byte_offsets(bits: tuple[int, ...], amplitude: int) -> NDArray[np.int64]:
    result = deposited(len(bits), bits) * amplitude
    result.flags.writeable = False
    return result


@lru_cache(maxsize=256)
def _loads(
    storage: tuple[int, ...], bits: tuple[int, ...]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For the blocks whose number has only ``bits``: where they are in the state, in amplitudes,
    and in the buffer, in bytes."""
    return deposited(len(storage), storage), deposited(len(bits), bits) * BLOCK_BYTES
