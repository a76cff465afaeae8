"""Vector code for one tile: what LLVM is told, so that no loop depends on auto-vectorisation.

A tile lies in a *buffer* of blocks. A block holds ``W`` neighbouring amplitudes, as one vector of
``W`` real parts and then one of ``W`` imaginary parts; ``W`` is what fills the machine's vector
register. The lowest ``log2(W)`` local bits of a tile are its *lanes*, the others (*high bits*)
number its blocks. A gate on high bits combines whole vectors. A gate on a lane combines a vector
with itself, its lanes exchanged: the coefficients are vectors anyhow, so that costs one shuffle.

Vectors are written into the IR as such. LLVM keeps them at full width whatever width its own
vectoriser would prefer, and splits them where the machine's registers are narrower.

All functions here are Numba intrinsics over plain addresses (int64). ``unit`` is any real number:
its type chooses the precision.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import combinations
from pathlib import Path
from typing import Any

from llvmlite import binding, ir
from numba import extending
from numba.core import cgutils, types

__all__ = [
    "COMPLEX",
    "CROSS",
    "DENSE_VARIANTS",
    "INTRINSICS",
    "LAYER_VARIANTS",
    "REAL",
    "SWAP_VARIANTS",
    "VECTOR_BYTES",
    "lane_count",
]

intrinsic: Any = extending.intrinsic
"""Numba's types do not say that an intrinsic is called without its first parameter."""

COMPLEX, REAL, CROSS = 0, 1, 2
"""The form of a matrix: any entries; real ones; or (one qubit) a real diagonal and an imaginary
off-diagonal."""

MAX_LANES = 4

_lanes = range(MAX_LANES)

DENSE_VARIANTS: tuple[tuple[int, tuple[int, ...], int], ...] = (
    *((1, (), form) for form in (COMPLEX, REAL, CROSS)),
    *((0, (lane,), form) for lane in _lanes for form in (COMPLEX, REAL, CROSS)),
    *((2, (), form) for form in (COMPLEX, REAL)),
    *((1, (lane,), form) for lane in _lanes for form in (COMPLEX, REAL)),
    *((0, pair, form) for pair in combinations(_lanes, 2) for form in (COMPLEX, REAL)),
    *((3, (), form) for form in (COMPLEX, REAL)),
)
"""Kernels for one matrix: how many of its bits are high, which are lanes, and its form."""

LAYER_VARIANTS: tuple[tuple[int, bool, int], ...] = (
    *((high, False, form) for high in (2, 3) for form in (COMPLEX, REAL, CROSS)),
    *((0, True, form) for form in (COMPLEX, REAL, CROSS)),
)
"""Kernels for one-qubit matrices on several bits in one trip: how many high bits, whether on all
lanes, and the form that all the matrices have."""

SWAP_VARIANTS: tuple[tuple[int, ...], ...] = tuple(
    lanes for count in range(1, MAX_LANES + 1) for lanes in combinations(_lanes, count)
)
"""Kernels that exchange these lanes with as many high bits."""


def _vector_bytes() -> int:
    """Bytes of a vector register of this machine; what is not known is taken to have 16."""
    features = binding.get_host_cpu_features()
    if features.get("avx512f"):
        return 64
    return 32 if features.get("avx") else 16


VECTOR_BYTES = _vector_bytes()

INTRINSICS = f"{VECTOR_BYTES}_{zlib.crc32(Path(__file__).read_bytes()):08x}"
"""What this file compiles to, as part of a name."""


def lane_count(real_bytes: int) -> int:
    """How many of a tile's lowest bits are lanes, for reals of so many bytes."""
    return (VECTOR_BYTES // real_bytes).bit_length() - 1


class _Emitter:
    """Writes vector instructions for one precision."""

    def __init__(self, builder: ir.IRBuilder, unit: types.Float) -> None:
        self.builder = builder
        self.bytes = unit.bitwidth // 8
        self.scalar = ir.FloatType() if unit.bitwidth == 32 else ir.DoubleType()
        self.width = VECTOR_BYTES // self.bytes
        self.lanes = self.width.bit_length() - 1
        self.type = ir.VectorType(self.scalar, self.width)
        self._fused: ir.Function | None = None

    def at(self, address: ir.Value, offset: int | ir.Value) -> ir.Value:
        if isinstance(offset, int):
            if not offset:
                return address
            offset = ir.Constant(ir.IntType(64), offset)
        return self.builder.add(address, offset)

    def load(
        self, address: ir.Value, offset: int = 0, *, constant: bool = False, aligned: bool = True
    ) -> ir.Value:
        """A vector; ``constant`` where nothing writes to it during the call."""
        pointer = self.builder.inttoptr(self.at(address, offset), self.type.as_pointer())
        value = self.builder.load(pointer, align=VECTOR_BYTES if aligned else self.bytes)
        if constant:
            value.set_metadata("invariant.load", self.builder.module.add_metadata([]))
        return value

    def store(
        self, value: ir.Value, address: ir.Value, offset: int = 0, *, aligned: bool = True
    ) -> None:
        pointer = self.builder.inttoptr(self.at(address, offset), self.type.as_pointer())
        self.builder.store(value, pointer, align=VECTOR_BYTES if aligned else self.bytes)

    def load_block(self, address: ir.Value) -> list[ir.Value]:
        return [self.load(address), self.load(address, VECTOR_BYTES)]

    def store_block(self, value: Sequence[ir.Value], address: ir.Value) -> None:
        self.store(value[0], address)
        self.store(value[1], address, VECTOR_BYTES)

    def shuffle(self, first: ir.Value, second: ir.Value, places: Sequence[int]) -> ir.Value:
        mask = ir.Constant(ir.VectorType(ir.IntType(32), len(places)), list(places))
        return self.builder.shuffle_vector(first, second, mask)

    def flipped(self, value: ir.Value, lanes: int) -> ir.Value:
        """The vector whose lane ``i`` is lane ``i ^ lanes`` of ``value``."""
        if not lanes:
            return value
        places = [lane ^ lanes for lane in range(self.width)]
        return self.shuffle(value, ir.Constant(self.type, ir.Undefined), places)

    def product(self, a: ir.Value, b: ir.Value, plus: ir.Value | None = None) -> ir.Value:
        """``a * b``, or ``a * b + plus`` in one instruction where the machine has it."""
        if plus is None:
            return self.builder.fmul(a, b)
        if self._fused is None:
            kind = ir.FunctionType(self.type, [self.type] * 3)
            name = f"llvm.fmuladd.v{self.width}f{self.bytes * 8}"
            self._fused = cgutils.get_or_insert_function(self.builder.module, kind, name)
        return self.builder.call(self._fused, [a, b, plus])

    def negative(self, value: ir.Value) -> ir.Value:
        return self.builder.fneg(value)

    def splat(self, value: ir.Value) -> ir.Value:
        undefined = ir.Constant(self.type, ir.Undefined)
        one = self.builder.insert_element(undefined, value, ir.Constant(ir.IntType(32), 0))
        return self.shuffle(one, undefined, [0] * self.width)


class _Sum:
    """A complex sum of products: the two parts as vectors, none while there is no term."""

    def __init__(self, emit: _Emitter) -> None:
        self.emit = emit
        self.parts: list[ir.Value | None] = [None, None]

    def add(self, part: int, a: ir.Value, b: ir.Value) -> None:
        self.parts[part] = self.emit.product(a, b, self.parts[part])

    def subtract(self, part: int, a: ir.Value, b: ir.Value) -> None:
        """LLVM folds the change of sign into the multiply-add."""
        self.add(part, self.emit.negative(a), b)


def _matrix(
    emit: _Emitter,
    columns: Sequence[Sequence[ir.Value]],
    flips: Sequence[int],
    form: int,
    coefficients: ir.Value,
    first: int = 0,
) -> list[list[ir.Value]]:
    """The product of a matrix and the blocks ``columns``.

    Row ``r`` of the result is the sum over columns ``c`` and lane flips ``s`` of coefficient
    ``(r, c, s)``, a vector or (complex) two, times block ``c`` with its lanes flipped by ``s``.
    The coefficients follow each other from vector ``first`` on.
    """
    turned = [[[emit.flipped(part, flip) for part in block] for flip in flips] for block in columns]
    position = first
    rows = []
    for r in range(len(columns)):
        total = _Sum(emit)
        for c, versions in enumerate(turned):
            for s, (real, imag) in enumerate(versions):
                a = emit.load(coefficients, position * VECTOR_BYTES, constant=True)
                position += 1
                if form == CROSS and (r != c or s):
                    total.subtract(0, imag, a)
                    total.add(1, real, a)
                    continue
                total.add(0, real, a)
                total.add(1, imag, a)
                if form == COMPLEX:
                    b = emit.load(coefficients, position * VECTOR_BYTES, constant=True)
                    position += 1
                    total.subtract(0, imag, b)
                    total.add(1, real, b)
        rows.append(total.parts)
    return rows


def _subsets(lanes: Sequence[int]) -> list[int]:
    """All masks over ``lanes``: entry ``s`` has bit ``lanes[j]`` where ``s`` has bit ``j``."""
    return [
        sum(1 << lane for j, lane in enumerate(lanes) if s >> j & 1) for s in range(1 << len(lanes))
    ]


def _addresses(emit: _Emitter, base: ir.Value, offsets: Sequence[ir.Value]) -> list[ir.Value]:
    """The blocks of a group: entry ``c`` is displaced by each offset whose bit ``c`` has."""
    result = [base]
    for offset in offsets:
        result += [emit.builder.add(address, offset) for address in result]
    return result


@contextmanager
def _each_group(
    emit: _Emitter, count: ir.Value, bases: ir.Value, buffer: ir.Value
) -> Iterator[ir.Value]:
    """A loop over the groups of a tile: ``bases`` has each one's int32 offset in the buffer."""
    word = ir.IntType(32)
    with cgutils.for_range(emit.builder, count, intp=ir.IntType(64)) as loop:
        place = emit.builder.inttoptr(bases, word.as_pointer())
        offset = emit.builder.load(emit.builder.gep(place, [loop.index]), align=4)
        offset.set_metadata("invariant.load", emit.builder.module.add_metadata([]))
        yield emit.builder.add(buffer, emit.builder.zext(offset, ir.IntType(64)))


def _switch(builder: ir.IRBuilder, number: ir.Value, cases: dict[int, Callable[[], None]]) -> None:
    """Run the case of this number, if there is one."""
    end = builder.append_basic_block("switch.end")
    chosen = builder.switch(number, end)
    for case, body in cases.items():
        block = builder.append_basic_block(f"case.{case}")
        chosen.add_case(ir.Constant(number.type, case), block)
        builder.position_at_end(block)
        body()
        builder.branch(end)
    builder.position_at_end(end)


_int = types.int64


@intrinsic
def run_dense(context, unit, variant, count, bases, buffer, first, second, third, coefficients):
    """Apply one matrix in the way of ``DENSE_VARIANTS[variant]`` to ``count`` groups of blocks.

    ``first`` to ``third`` are the byte distances of its high bits, ascending.
    """

    def codegen(context, builder, signature, arguments):
        _, variant, count, bases, buffer, *offsets, coefficients = arguments
        emit = _Emitter(builder, signature.args[0])

        def case(high: int, lanes: tuple[int, ...], form: int) -> Callable[[], None]:
            def body() -> None:
                with _each_group(emit, count, bases, buffer) as base:
                    places = _addresses(emit, base, offsets[:high])
                    columns = [emit.load_block(place) for place in places]
                    rows = _matrix(emit, columns, _subsets(lanes), form, coefficients)
                    for row, place in zip(rows, places, strict=True):
                        emit.store_block(row, place)

            return body

        cases = {
            number: case(*entry)
            for number, entry in enumerate(DENSE_VARIANTS)
            if not entry[1] or entry[1][-1] < emit.lanes
        }
        _switch(builder, variant, cases)
        return context.get_dummy_value()

    return types.void(unit, *[_int] * 8), codegen


@intrinsic
def run_layer(context, unit, variant, count, bases, buffer, first, second, third, coefficients):
    """Apply one-qubit matrices in the way of ``LAYER_VARIANTS[variant]`` to ``count`` groups.

    The coefficients of the first high bit's matrix come first, then the next one's; of lane 0's
    matrix first, then lane 1's.
    """

    def codegen(context, builder, signature, arguments):
        _, variant, count, bases, buffer, *offsets, coefficients = arguments
        emit = _Emitter(builder, signature.args[0])

        def case(high: int, lanes: bool, form: int) -> Callable[[], None]:
            size = 8 if form == COMPLEX else 4

            def body() -> None:
                with _each_group(emit, count, bases, buffer) as base:
                    places = _addresses(emit, base, offsets[:high])
                    blocks: list[Any] = [emit.load_block(place) for place in places]
                    position = 0
                    for bit in range(high):
                        for low in range(len(blocks)):
                            if not low >> bit & 1:
                                pair = [low, low | 1 << bit]
                                rows = _matrix(
                                    emit,
                                    [blocks[i] for i in pair],
                                    [0],
                                    form,
                                    coefficients,
                                    position,
                                )
                                for i, row in zip(pair, rows, strict=True):
                                    blocks[i] = row
                        position += size
                    if lanes:
                        for lane in range(emit.lanes):
                            (blocks[0],) = _matrix(
                                emit, blocks, [0, 1 << lane], form, coefficients, position
                            )
                            position += size // 2
                    for block, place in zip(blocks, places, strict=True):
                        emit.store_block(block, place)

            return body

        cases = {number: case(*entry) for number, entry in enumerate(LAYER_VARIANTS)}
        _switch(builder, variant, cases)
        return context.get_dummy_value()

    return types.void(unit, *[_int] * 8), codegen


@intrinsic
def run_swap(context, unit, variant, count, bases, buffer, first, second, third, fourth):
    """Exchange the lanes ``SWAP_VARIANTS[variant]`` with high bits of these byte distances."""

    def codegen(context, builder, signature, arguments):
        _, variant, count, bases, buffer, *offsets = arguments
        emit = _Emitter(builder, signature.args[0])

        def case(lanes: tuple[int, ...]) -> Callable[[], None]:
            def body() -> None:
                with _each_group(emit, count, bases, buffer) as base:
                    places = _addresses(emit, base, offsets[: len(lanes)])
                    for part in (0, VECTOR_BYTES):
                        vectors = [emit.load(place, part) for place in places]
                        for bit, lane in enumerate(lanes):
                            for low in range(len(vectors)):
                                if not low >> bit & 1:
                                    i, j = low, low | 1 << bit
                                    vectors[i], vectors[j] = _exchange(
                                        emit, lane, vectors[i], vectors[j]
                                    )
                        for vector, place in zip(vectors, places, strict=True):
                            emit.store(vector, place, part)

            return body

        cases = {
            number: case(lanes)
            for number, lanes in enumerate(SWAP_VARIANTS)
            if lanes[-1] < emit.lanes
        }
        _switch(builder, variant, cases)
        return context.get_dummy_value()

    return types.void(unit, *[_int] * 8), codegen


def _exchange(emit: _Emitter, lane: int, low: ir.Value, high: ir.Value) -> list[ir.Value]:
    """Two vectors as rows of a matrix over (vector, this lane bit), transposed."""
    bit = 1 << lane
    to_low = [i if not i & bit else emit.width + (i ^ bit) for i in range(emit.width)]
    to_high = [i | bit if not i & bit else emit.width + i for i in range(emit.width)]
    return [emit.shuffle(low, high, to_low), emit.shuffle(low, high, to_high)]


@intrinsic
def run_wide(context, unit, size, count, bases, places, matrix, buffer, scratch):
    """Apply a matrix of ``size`` rows, a multiple of 4, to ``count`` groups of blocks.

    ``places`` has the int32 byte distances of a group's blocks, ``matrix`` its entries, row-major
    and complex; ``scratch`` is room for a group.
    """

    def codegen(context, builder, signature, arguments):
        _, size, count, bases, places, matrix, buffer, scratch = arguments
        emit = _Emitter(builder, signature.args[0])
        word, long = ir.IntType(32), ir.IntType(64)
        block_bytes = ir.Constant(long, 2 * VECTOR_BYTES)
        zero = ir.Constant(emit.type, [emit.scalar(0.0)] * emit.width)
        sums = [[cgutils.alloca_once(builder, emit.type) for _ in range(2)] for _ in range(4)]

        def place_of(number: ir.Value) -> ir.Value:
            pointer = builder.inttoptr(places, word.as_pointer())
            return builder.zext(builder.load(builder.gep(pointer, [number]), align=4), long)

        with _each_group(emit, count, bases, buffer) as base:
            with cgutils.for_range(builder, size, intp=long) as column:
                block = emit.load_block(builder.add(base, place_of(column.index)))
                copy = builder.add(scratch, builder.mul(column.index, block_bytes))
                emit.store_block(block, copy)
            with cgutils.for_range(builder, builder.lshr(size, long(2)), intp=long) as four:
                first = builder.shl(four.index, long(2))
                for pair in sums:
                    for part in pair:
                        builder.store(zero, part)
                with cgutils.for_range(builder, size, intp=long) as column:
                    copy = builder.add(scratch, builder.mul(column.index, block_bytes))
                    real, imag = emit.load_block(copy)
                    for i, pair in enumerate(sums):
                        row = builder.add(first, long(i))
                        entry = builder.add(builder.mul(row, size), column.index)
                        at = builder.add(matrix, builder.mul(entry, long(2 * emit.bytes)))
                        pointer = builder.inttoptr(at, emit.scalar.as_pointer())
                        a = emit.splat(builder.load(pointer, align=emit.bytes))
                        b = emit.splat(builder.load(builder.gep(pointer, [long(1)])))
                        total = _Sum(emit)
                        total.parts = [builder.load(part) for part in pair]
                        total.add(0, real, a)
                        total.subtract(0, imag, b)
                        total.add(1, imag, a)
                        total.add(1, real, b)
                        for part, value in zip(pair, total.parts, strict=True):
                            builder.store(value, part)
                for i, pair in enumerate(sums):
                    place = place_of(builder.add(first, long(i)))
                    emit.store_block(
                        [builder.load(part) for part in pair], builder.add(base, place)
                    )
        return context.get_dummy_value()

    return types.void(unit, *[_int] * 7), codegen


@intrinsic
def run_flip(context, unit, count, bases, buffer, distance):
    """Exchange the two blocks of each group: X on a high bit."""

    def codegen(context, builder, signature, arguments):
        _, count, bases, buffer, distance = arguments
        emit = _Emitter(builder, signature.args[0])
        with _each_group(emit, count, bases, buffer) as base:
            other = builder.add(base, distance)
            low, high = emit.load_block(base), emit.load_block(other)
            emit.store_block(high, base)
            emit.store_block(low, other)
        return context.get_dummy_value()

    return types.void(unit, *[_int] * 4), codegen


@intrinsic
def run_diagonal(context, unit, groups, count, buffer, i0, i1, i2, i3, t0, t1, t2, t3):
    """Multiply every block by the factors of 1 to 4 ``groups``.

    For block ``b``, group ``g``'s factor is the block at ``t_g + i_g[b]`` (int32 byte offsets).
    """

    def codegen(context, builder, signature, arguments):
        _, groups, count, buffer, *rest = arguments
        emit = _Emitter(builder, signature.args[0])
        word, long = ir.IntType(32), ir.IntType(64)

        def case(number: int) -> Callable[[], None]:
            def body() -> None:
                with cgutils.for_range(builder, count, intp=long) as loop:
                    distance = ir.Constant(long, 2 * VECTOR_BYTES)
                    place = builder.add(buffer, builder.mul(loop.index, distance))
                    real, imag = emit.load_block(place)
                    for indices, table in zip(rest[:number], rest[4 : 4 + number], strict=True):
                        pointer = builder.inttoptr(indices, word.as_pointer())
                        offset = builder.load(builder.gep(pointer, [loop.index]), align=4)
                        a, b = emit.load_block(builder.add(table, builder.zext(offset, long)))
                        new = emit.product(real, a, emit.negative(builder.fmul(imag, b)))
                        imag = emit.product(real, b, builder.fmul(imag, a))
                        real = new
                    emit.store_block([real, imag], place)

            return body

        _switch(builder, groups, {number: case(number) for number in range(1, 5)})
        return context.get_dummy_value()

    return types.void(unit, *[_int] * 11), codegen


@intrinsic
def load_amplitudes(context, unit, source, block):
    """Copy ``W`` neighbouring complex numbers from ``source`` to a block."""

    def codegen(context, builder, signature, arguments):
        _, source, block = arguments
        emit = _Emitter(builder, signature.args[0])
        low = emit.load(source, aligned=False)
        high = emit.load(source, VECTOR_BYTES, aligned=False)
        for part in (0, 1):
            places = [2 * i + part for i in range(emit.width)]
            emit.store(emit.shuffle(low, high, places), block, part * VECTOR_BYTES)
        return context.get_dummy_value()

    return types.void(unit, _int, _int), codegen


@intrinsic
def store_amplitudes(context, unit, block, target):
    """Copy a block to ``W`` neighbouring complex numbers at ``target``."""

    def codegen(context, builder, signature, arguments):
        _, block, target = arguments
        emit = _Emitter(builder, signature.args[0])
        real, imag = emit.load_block(block)
        half = emit.width // 2
        for part in (0, 1):
            places = [
                lane + emit.width * imaginary
                for lane in range(part * half, (part + 1) * half)
                for imaginary in (0, 1)
            ]
            value = emit.shuffle(real, imag, places)
            emit.store(value, target, part * VECTOR_BYTES, aligned=False)
        return context.get_dummy_value()

    return types.void(unit, _int, _int), codegen


@intrinsic
def fill_block(context, unit, block, real, imag):
    """Write one complex number to all places of a block."""

    def codegen(context, builder, signature, arguments):
        _, block, real, imag = arguments
        emit = _Emitter(builder, signature.args[0])
        emit.store_block([emit.splat(real), emit.splat(imag)], block)
        return context.get_dummy_value()

    return types.void(unit, _int, unit, unit), codegen


@intrinsic
def get(context, unit, address):
    """The real number at ``address``."""

    def codegen(context, builder, signature, arguments):
        emit = _Emitter(builder, signature.args[0])
        pointer = builder.inttoptr(arguments[1], emit.scalar.as_pointer())
        return builder.load(pointer, align=emit.bytes)

    return unit(unit, _int), codegen


@intrinsic
def put(context, unit, address, value):
    """Write a real number to ``address``."""

    def codegen(context, builder, signature, arguments):
        emit = _Emitter(builder, signature.args[0])
        pointer = builder.inttoptr(arguments[1], emit.scalar.as_pointer())
        builder.store(arguments[2], pointer, align=emit.bytes)
        return context.get_dummy_value()

    return types.void(unit, _int, unit), codegen


@intrinsic
def get_word(context, address):
    """The int32 at ``address``, as an int64."""

    def codegen(context, builder, signature, arguments):
        pointer = builder.inttoptr(arguments[0], ir.IntType(32).as_pointer())
        return builder.sext(builder.load(pointer, align=4), ir.IntType(64))

    return _int(_int), codegen


@intrinsic
def get_long(context, address):
    """The int64 at ``address``."""

    def codegen(context, builder, signature, arguments):
        pointer = builder.inttoptr(arguments[0], ir.IntType(64).as_pointer())
        return builder.load(pointer, align=8)

    return _int(_int), codegen


@intrinsic
def add_norms(context, unit, source, sums):
    """Add ``|a|**2`` of ``W`` complex numbers at ``source`` to ``W`` doubles at ``sums``."""

    def codegen(context, builder, signature, arguments):
        _, source, sums = arguments
        emit = _Emitter(builder, signature.args[0])
        low = emit.load(source, aligned=False)
        high = emit.load(source, VECTOR_BYTES, aligned=False)
        double = ir.VectorType(ir.DoubleType(), emit.width)
        pointer = builder.inttoptr(sums, double.as_pointer())
        total = builder.load(pointer, align=8)
        for part in (0, 1):
            value = emit.shuffle(low, high, [2 * i + part for i in range(emit.width)])
            if emit.bytes < 8:
                value = builder.fpext(value, double)
            total = builder.fadd(total, builder.fmul(value, value))
        builder.store(total, pointer, align=8)
        return context.get_dummy_value()

    return types.void(unit, _int, _int), codegen
