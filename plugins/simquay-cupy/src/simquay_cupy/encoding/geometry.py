"""The distribution of a tile over a block's threads: sizes, and the lane bits of each round.

A tile has ``2**tile`` amplitudes. In each round, ``register`` of the tile's local bits are the
*register bits*: a thread holds the amplitudes that differ in them. The others are the bits of the
thread's number, the lowest five of which are the lanes of a warp.

Two costs depend on the lane bits. Global memory is read in sectors of 32 bytes and moves
in lines: when a tile is loaded or stored, the lowest storage bits should be lanes. Shared memory
has 32 banks of 4 bytes: in between, the lanes should spread over all banks. The place of local
index ``i`` in shared memory, its *slot*, is the XOR of ``columns[b]`` over the bits ``b`` of ``i``;
in the low bits of the columns, every choice of register bits leaves lanes that are linearly
independent, so that a conflict-free order of threads always exists.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import permutations

from simquay.engine_api import Precision

__all__ = [
    "GEOMETRIES",
    "LANES",
    "WHOLE_STATE",
    "Geometry",
    "geometry_for",
    "middle_order",
    "outer_order",
    "register_order",
]

LANES = 5
"""A warp has ``2**LANES`` threads."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """Sizes of a tile in one kernel.

    Attributes:
        kernel: what the kernel's name ends in.
        tile: bits of a tile.
        register: bits that a thread holds.
        run: the lowest storage bits that must be lanes in a load or store: 64 bytes.
        bank: bits of a slot that choose its banks, for one access of an amplitude.
        columns: of the tile's bits, before any exchange changes them.
    """

    kernel: str
    tile: int
    register: int
    run: int
    bank: int
    columns: tuple[int, ...]

    @property
    def thread(self) -> int:
        """Bits of a thread's number."""
        return self.tile - self.register


def _columns(tile: int, bank: int, mixed: Sequence[int]) -> tuple[int, ...]:
    """Bit ``b`` is slot bit ``b``, and for the bits above ``bank`` also some bank bits."""
    return tuple(1 << b for b in range(bank)) + tuple(
        1 << b | mix for b, mix in zip(range(bank, tile), mixed, strict=True)
    )


GEOMETRIES = {
    # 16 lanes of 8 bytes fill the banks. Twelve different vectors of GF(2)**4: any eight of them
    # span it, as a three-dimensional subspace has but seven.
    Precision.SINGLE: Geometry("single", 12, 4, 3, 4, _columns(12, 4, (3, 5, 6, 7, 9, 10, 12, 15))),
    # 8 lanes of 16 bytes. No vector of GF(2)**3 more than twice: any seven span it.
    Precision.DOUBLE: Geometry("double", 11, 3, 2, 3, _columns(11, 3, (3, 5, 6, 7, 3, 5, 6, 7))),
}
"""For states of any size."""

WHOLE_STATE = Geometry("double12", 12, 4, 2, 3, _columns(12, 3, (3, 5, 6, 7, 3, 5, 6, 7, 1)))
"""In double precision, for states of 12 qubits: a tile is the whole state, so that one launch is
enough. It fills the 64 KiB of shared memory that a block may have on every device (on those of
compute capability 7.5, it may have no more)."""


def geometry_for(precision: Precision, qubits: int) -> Geometry:
    """The geometry to plan with, for states of up to ``qubits`` stored qubits; and the one of a
    plan whose tiles have ``qubits`` qubits, or the one for any state if there is none."""
    if precision is Precision.DOUBLE and qubits == WHOLE_STATE.tile:
        return WHOLE_STATE
    return GEOMETRIES[precision]


def _fill(geometry: Geometry, targets: Sequence[int], avoid: set[int]) -> tuple[int, ...]:
    """Register bits: the targets, and as many others as a thread needs, the highest first."""
    chosen = list(targets)
    rest = [bit for bit in reversed(range(geometry.tile)) if bit not in targets]
    rest.sort(key=lambda bit: bit in avoid)
    chosen += rest[: geometry.register - len(chosen)]
    return tuple(sorted(chosen))


def _spread(
    geometry: Geometry, bits: Sequence[int], choose: int, columns: Sequence[int]
) -> list[int]:
    """``bits`` in another order: first come up to ``geometry.bank`` of the first ``choose`` whose
    bank columns are linearly independent."""
    span = {0}
    first: list[int] = []
    for bit in bits[:choose]:
        bank = columns[bit] & ((1 << geometry.bank) - 1)
        if len(first) < geometry.bank and bank not in span:
            span |= {bank ^ other for other in span}
            first.append(bit)
    return first + [bit for bit in bits if bit not in first]


def middle_order(
    geometry: Geometry, targets: Sequence[int], columns: Sequence[int]
) -> tuple[int, ...]:
    """The local bits of a round between two exchanges, those of the thread's number first, then the
    register bits (ascending): no bank conflicts, if ``columns`` allow it."""
    registers = _fill(geometry, targets, set())
    threads = [bit for bit in range(geometry.tile) if bit not in registers]
    return (*_spread(geometry, threads, len(threads), columns), *registers)


def outer_order(
    geometry: Geometry,
    targets: Sequence[int],
    storage: Sequence[Sequence[int]],
    columns: Sequence[int],
) -> tuple[int, ...] | None:
    """Likewise, of a round that loads, stores, or both: contiguous global accesses.

    ``storage`` has an entry for the load, the store, or both: the storage bit of each local bit.
    None if the targets do not allow contiguous accesses.
    """
    wanted: list[int] = []
    for bits in storage:
        wanted += [b for b in range(geometry.tile) if bits[b] < geometry.run and b not in wanted]
    if len(wanted) > LANES or not set(wanted).isdisjoint(targets):
        return None
    by_storage = sorted(range(geometry.tile), key=lambda bit: min(bits[bit] for bits in storage))
    nearly = set(by_storage[:LANES])
    registers = _fill(geometry, targets, set(wanted) | nearly)
    rest = [bit for bit in by_storage if bit not in registers and bit not in wanted]
    return (*_spread(geometry, wanted + rest, LANES, columns), *registers)


PREFERRED = ((0, 1), (2, 3), (1, 2), (0, 2), (1, 3), (0, 3))
"""Pairs of register bits. The kernel has code of its own for a matrix on each, four kilobytes: the
fewer a program has, the less code the multiprocessors fetch."""


@cache
def register_order(count: int, pairs: frozenset[tuple[int, ...]]) -> tuple[int, ...]:
    """The order of ``count`` register bits in which none of ``pairs`` is a late one of
    ``PREFERRED``, as far as that can be: the last of those that it needs is as early as possible,
    then the last but one, and so on."""

    def needed(order: tuple[int, ...]) -> list[int]:
        places = [sorted(map(order.index, pair)) for pair in pairs]
        return sorted((PREFERRED.index((one, other)) for one, other in places), reverse=True)

    return min(permutations(range(count)), key=needed)
