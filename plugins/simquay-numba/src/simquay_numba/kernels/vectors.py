"""Explicit vector code for one tile, so that no loop depends on LLVM's auto-vectorisation.

A tile lies in a *buffer* of blocks. A block holds ``W`` neighbouring amplitudes, as one vector of
``W`` real parts and then one of ``W`` imaginary parts, where ``W`` numbers fill one vector register
of the machine. The lowest ``log2(W)`` local bits of a tile are its *lanes*, the others (*high
bits*) number its blocks. A gate on high bits combines whole vectors. A gate on a lane combines a
vector with a copy of itself whose lanes are exchanged: coefficients are vectors in any case, so the
extra cost is one shuffle.

Vectors are vector types in the IR. LLVM keeps their full width, whatever width its own vectoriser
would prefer, and splits them where the machine's registers are narrower.

The modules ``matrices``, ``blocks`` and ``scalars`` write their Numba intrinsics with this module.
Intrinsics take addresses as int64; ``unit`` is any real number, whose type chooses the precision.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any

from llvmlite import binding, ir
from numba import extending
from numba.core import cgutils, types

__all__ = [
    "BLOCK_BYTES",
    "LINE_BYTES",
    "VECTOR_BYTES",
    "Emitter",
    "Sum",
    "declared",
    "each_group",
    "fetch_ahead",
    "group_addresses",
    "integer",
    "intrinsic",
    "lane_count",
    "switch",
]

declared: Any = cgutils.get_or_insert_function
"""Numba gives it no types."""

integer = types.int64

LINE_BYTES = 64
"""Bytes of a cache line, on nearly all machines. Where lines are longer, it costs time only."""

_SECOND_LEVEL = 2
"""The locality of a prefetch in LLVM, from 0 to 3 (first-level cache)."""


def _vector_bytes() -> int:
    """Bytes of a vector register of this machine; 16 for an unknown one."""
    features = binding.get_host_cpu_features()
    if features.get("avx512f"):
        return 64
    return 32 if features.get("avx") else 16


VECTOR_BYTES = _vector_bytes()

BLOCK_BYTES = 2 * VECTOR_BYTES
"""Bytes of a block: the real parts, and the imaginary parts."""


def lane_count(real_bytes: int) -> int:
    """The number of lane bits, for reals of ``real_bytes`` bytes."""
    return (VECTOR_BYTES // real_bytes).bit_length() - 1


def intrinsic(returns: Any = types.void) -> Callable[[Callable[..., Any]], Any]:
    """Makes a Numba intrinsic of a function that writes its code.

    The function takes an :class:`Emitter`, and then values of the IR: an intrinsic's reals have the
    type of its ``unit``, and all else is int64. It returns the result's value, or None.

    Args:
        returns: the result's type; ``types.Float`` for that of the unit.
    """

    def made(write: Callable[..., Any]) -> Any:
        @wraps(write)
        def typed(context: Any, *arguments: types.Type) -> Any:
            unit = next((one for one in arguments if isinstance(one, types.Float)), types.float64)
            taken = [unit if isinstance(one, types.Float) else integer for one in arguments]

            def codegen(
                context: Any, builder: ir.IRBuilder, signature: Any, values: Sequence[ir.Value]
            ) -> Any:
                result = write(Emitter(builder, unit), *values)
                return context.get_dummy_value() if result is None else result

            return (unit if returns is types.Float else returns)(*taken), codegen

        return extending.intrinsic(typed)

    return made


class Emitter:
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

    def pointer(self, address: ir.Value, kind: ir.Type) -> ir.Value:
        """A pointer to a value of the type ``kind``."""
        return self.builder.inttoptr(address, kind.as_pointer())

    def load(
        self, address: ir.Value, offset: int = 0, *, constant: bool = False, aligned: bool = True
    ) -> ir.Value:
        """A vector from memory; ``constant``: nothing writes to it during the call."""
        pointer = self.pointer(self.at(address, offset), self.type)
        value = self.builder.load(pointer, align=VECTOR_BYTES if aligned else self.bytes)
        if constant:
            value.set_metadata("invariant.load", self.builder.module.add_metadata([]))
        return value

    def store(
        self,
        value: ir.Value,
        address: ir.Value,
        offset: int = 0,
        *,
        aligned: bool = True,
        streaming: bool = False,
    ) -> None:
        """Write a vector; ``streaming``: past the caches, for lines that are not read soon."""
        pointer = self.pointer(self.at(address, offset), self.type)
        written = self.builder.store(value, pointer, align=VECTOR_BYTES if aligned else self.bytes)
        if streaming:
            one = ir.Constant(ir.IntType(32), 1)
            written.set_metadata("nontemporal", self.builder.module.add_metadata([one]))

    def prefetch(self, address: ir.Value) -> None:
        """Bring the line at ``address``, to be read, into the second-level cache."""
        word = ir.IntType(32)
        place = ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [place, word, word, word])
        function = declared(self.builder.module, kind, "llvm.prefetch.p0i8")
        numbers = [ir.Constant(word, number) for number in (0, _SECOND_LEVEL, 1)]
        self.builder.call(function, [self.builder.inttoptr(address, place), *numbers])

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
            self._fused = declared(self.builder.module, kind, name)
        return self.builder.call(self._fused, [a, b, plus])

    def splat(self, value: ir.Value) -> ir.Value:
        undefined = ir.Constant(self.type, ir.Undefined)
        one = self.builder.insert_element(undefined, value, ir.Constant(ir.IntType(32), 0))
        return self.shuffle(one, undefined, [0] * self.width)


class Sum:
    """A complex sum of products: real and imaginary part as vectors, None before the first term."""

    def __init__(self, emit: Emitter) -> None:
        self.emit = emit
        self.parts: list[ir.Value | None] = [None, None]

    def add(self, part: int, a: ir.Value, b: ir.Value) -> None:
        self.parts[part] = self.emit.product(a, b, self.parts[part])

    def subtract(self, part: int, a: ir.Value, b: ir.Value) -> None:
        """Add ``-a * b``; LLVM folds the change of sign into the multiply-add."""
        self.add(part, self.emit.builder.fneg(a), b)


def group_addresses(emit: Emitter, base: ir.Value, offsets: Sequence[ir.Value]) -> list[ir.Value]:
    """The addresses of a group's blocks: entry ``c`` is the exclusive or of ``base`` and the
    offsets of the bits of ``c``. The buffer's address is a multiple of its size."""
    result = [base]
    for offset in offsets:
        result += [emit.builder.xor(address, offset) for address in result]
    return result


@contextmanager
def each_group(
    emit: Emitter,
    count: ir.Value,
    bases: ir.Value,
    buffer: ir.Value,
    ahead: Sequence[ir.Value] = (),
    blocks: int = 1,
) -> Iterator[ir.Value]:
    """A loop over the groups of a tile; yields the address of a group's first block.

    ``bases`` is the address of the groups' int32 byte offsets in the buffer. ``ahead`` are the four
    numbers that :func:`fetch_ahead` takes; each group fetches ``blocks``.
    """
    word = ir.IntType(32)
    with cgutils.for_range(emit.builder, count, intp=ir.IntType(64)) as loop:
        if ahead:
            fetch_ahead(emit, loop.index, ahead, blocks)
        place = emit.builder.inttoptr(bases, word.as_pointer())
        offset = emit.builder.load(emit.builder.gep(place, [loop.index]), align=4)
        offset.set_metadata("invariant.load", emit.builder.module.add_metadata([]))
        yield emit.builder.add(buffer, emit.builder.zext(offset, ir.IntType(64)))


def fetch_ahead(emit: Emitter, turn: ir.Value, ahead: Sequence[ir.Value], blocks: int) -> None:
    """Prefetch blocks of the next tile, while this one is worked on.

    Args:
        emit: where to write.
        turn: the number of the loop's turn.
        ahead: the address of the next tile in the state; the address of its blocks' int64 byte
            offsets; the number of the block that turn 0 begins with; a mask on block numbers.
        blocks: how many blocks a turn fetches.
    """
    builder, long = emit.builder, ir.IntType(64)
    tile, offsets, start, mask = ahead
    table = builder.inttoptr(offsets, long.as_pointer())
    for block in range(blocks):
        number = builder.add(builder.mul(turn, ir.Constant(long, blocks)), start)
        number = builder.and_(builder.add(number, ir.Constant(long, block)), mask)
        offset = builder.load(builder.gep(table, [number]), align=8)
        offset.set_metadata("invariant.load", builder.module.add_metadata([]))
        place = builder.add(tile, offset)
        for part in (0, VECTOR_BYTES):
            emit.prefetch(emit.at(place, part))


def switch(builder: ir.IRBuilder, number: ir.Value, cases: dict[int, Callable[[], None]]) -> None:
    """Branch to the case ``number``; past all of them if there is no such case."""
    end = builder.append_basic_block("switch.end")
    chosen = builder.switch(number, end)
    for case, body in cases.items():
        block = builder.append_basic_block(f"case.{case}")
        chosen.add_case(ir.Constant(number.type, case), block)
        builder.position_at_end(block)
        body()
        builder.branch(end)
    builder.position_at_end(end)
