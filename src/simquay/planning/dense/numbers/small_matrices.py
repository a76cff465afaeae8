"""SmallMatrices: small matrices between gates and clusters, all of a plan's computed together.

The gates of a cluster are first gathered into *blocks* on three wires, so that few products are
large. A gate in a block is a matrix of the block's size whose entries are numbers of the gate,
ones and zeros; where they come from depends on its kind and its places alone, and few *patterns*
serve all circuits. So the entries of all gates of a plan are one indexed read of all their
numbers, and the products of all blocks are a few batched ones, by halving.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from simquay.planning.dense.fusion import GateNode, WireGate
from simquay.program.bits import extract, mask_of
from simquay.program.operations import Diagonal, GateOperation, Matrix, Prepare

__all__ = ["SmallMatrices", "SmallMatrixRecipe", "ValueRecipe", "Values"]

Values: TypeAlias = NDArray[np.complex128]
Indices: TypeAlias = NDArray[np.intp]
_Pattern: TypeAlias = tuple[str, tuple[int, ...], tuple[int, ...], int, bytes]

SMALL_WIRES = 3
"""Two would give more products of whole clusters, four products of blocks that cost as much."""

_BATCH = 1 << 14
"""The most entries of gates that are computed at once: memory that is given back to the system and
taken again for each plan would cost more than the arithmetic."""

_ONE_ZERO = np.array([1, 0], dtype=np.complex128).tobytes()


class ValueRecipe:
    """Where each gate's numbers lie among all: at ``offsets``, behind a 1 and a 0."""

    __slots__ = ("_numbers", "_size", "offsets")

    def __init__(self, gates: Sequence[GateOperation]) -> None:
        self._numbers: list[int] = []
        self.offsets: list[int] = []
        place = 0
        for number, gate in enumerate(gates):
            self.offsets.append(place)
            kind = type(gate)
            if kind is Matrix:
                place += 2 + (1 << 2 * len(gate.qubits))
            elif kind is Diagonal or kind is Prepare:
                place += 2 + (1 << len(gate.qubits))
            else:
                continue
            self._numbers.append(number)
        self._size = place + 2

    def fill(self, gates: Sequence[GateOperation]) -> Values:
        """The numbers of ``gates``: for each, a 1, a 0 and its own in C order; a 1 and a 0 last."""
        arrays: list[Any] = [_array_of(gates[number]) for number in self._numbers]
        try:
            # The fastest way, for what programs promise: complex128 in C order.
            data = _ONE_ZERO.join([b"", *arrays, b""])
        except (BufferError, TypeError, ValueError):
            data = b""
        if len(data) != 16 * self._size:  # some are not of type complex128, or not in C order
            parts = [np.asarray(array, dtype=np.complex128).tobytes() for array in arrays]
            data = _ONE_ZERO.join([b"", *parts, b""])
        return np.frombuffer(data, dtype=np.complex128)

    def fill_sweep(self, gate_lists: Sequence[Sequence[GateOperation]]) -> Values:
        """The numbers of several gate lists, shape ``(lists, numbers)``."""
        values = np.empty((len(gate_lists), self._size), dtype=np.complex128)
        for row, gates in zip(values, gate_lists, strict=True):
            row[:] = self.fill(gates)
        return values


def _array_of(gate: Any) -> NDArray[Any]:
    kind = type(gate)
    array: NDArray[Any] = (
        gate.matrix if kind is Matrix else gate.diagonal if kind is Diagonal else gate.amplitudes
    )
    return array


class _SmallMatrix:
    """Gates on a few wires, in order: of each its pattern, and where its numbers are."""

    __slots__ = ("patterns", "places", "wires")

    def __init__(self, wires: list[int]) -> None:
        self.wires = wires
        self.patterns: list[int] = []
        self.places: list[int] = []


class SmallMatrices:
    """Collects the blocks of a plan, to be computed together.

    Patterns are numbered as they appear; ``_patterns`` has the arguments of :func:`_pattern`.
    """

    def __init__(self, gates: Sequence[GateOperation], offsets: Sequence[int]) -> None:
        self._gates = gates
        self._offsets = offsets
        self._numbers: dict[Hashable, int] = {}
        self._patterns: list[_Pattern] = []
        self._tables: dict[int, bytes] = {}  # of permutations, by the id of their array
        self._made: dict[int, list[_SmallMatrix]] = {}  # by width

    def add(
        self, nodes: Iterable[GateNode], wires: Sequence[int]
    ) -> list[tuple[int, int, list[int]]]:
        """Take in ``nodes``, which act on ``wires``, as blocks to be applied one after the other.

        A block has :data:`SMALL_WIRES` wires, or one node that has more, or all ``wires``. The
        result has for each its width, its number among those of this width, and its wires.
        """
        limit = min(SMALL_WIRES, len(wires))
        blocks: list[_SmallMatrix] = []
        latest: dict[int, int] = {}  # wire → the last block on it
        numbers, offsets, gates, tables = self._numbers, self._offsets, self._gates, self._tables
        for node in nodes:
            acts = node.wires
            found = -1
            for wire in acts:
                place = latest.get(wire, -1)
                if place > found:
                    found = place
            if found >= 0:
                block = blocks[found]
                own = block.wires
                new = [wire for wire in acts if wire not in own]
            else:  # nothing was on these wires before: any block with room will do
                new = [*acts]
                for place, block in enumerate(blocks):
                    if len(block.wires) + len(new) <= limit:
                        found = place
                        break
            if found < 0 or (new and len(block.wires) + len(new) > limit):
                found = len(blocks)
                block = _SmallMatrix([*acts])
                blocks.append(block)
                for wire in acts:
                    latest[wire] = found
            elif new:
                block.wires += new
                for wire in acts:
                    latest[wire] = found
            index = block.wires.index
            for item in node.items:
                number, code, targets, held, state, select = item
                key: Hashable
                if code == "m" and not held and len(targets) == 1:
                    key = index(targets[0])
                elif code == "p":
                    gate: Any = gates[number]
                    table = tables.get(id(gate.table))
                    if table is None:
                        table = self._table(number)
                    key = (table, state, len(held), *map(index, targets), *map(index, held))
                else:
                    key = (code, state, len(held), *map(index, targets), *map(index, held))
                    if select is not None:
                        key = (key, select.tobytes())
                pattern = numbers.get(key)
                if pattern is None:
                    pattern = numbers[key] = len(self._patterns)
                    self._patterns.append(self._pattern(item, block.wires))
                block.patterns.append(pattern)
                block.places.append(offsets[number])
        placed = []
        for block in blocks:
            own = block.wires
            if len(own) < limit:
                own += [wire for wire in wires if wire not in own][: limit - len(own)]
            made = self._made.setdefault(len(own), [])
            placed.append((len(own), len(made), own))
            made.append(block)
        return placed

    def _table(self, number: int) -> bytes:
        """The table of a permutation. Gates often share one array: it is read once."""
        gate: Any = self._gates[number]
        data = np.asarray(gate.table, dtype=np.intp).tobytes()
        self._tables[id(gate.table)] = data
        return data

    def _pattern(self, item: WireGate, wires: list[int]) -> _Pattern:
        number, code, acts, held, state, select = item
        extra = b"" if select is None else select.tobytes()
        if code == "p":
            extra = self._table(number)
        return (
            code,
            tuple([wires.index(wire) for wire in acts]),
            tuple([wires.index(wire) for wire in held]),
            state,
            extra,
        )

    def recipes(self) -> tuple[SmallMatrixRecipe, ...]:
        """How to compute all blocks that were taken in: those of one width in their order."""
        recipes = []
        for width, made in self._made.items():
            most = _BATCH >> 2 * width
            first = count = 0
            for number, block in enumerate(made):
                if number > first and count + len(block.patterns) > most:
                    recipes.append(self._recipe(width, made[first:number]))
                    first, count = number, 0
                count += len(block.patterns)
            recipes.append(self._recipe(width, made[first:]))
        return tuple(recipes)

    def _recipe(self, width: int, made: list[_SmallMatrix]) -> SmallMatrixRecipe:
        counts = np.array([len(block.patterns) for block in made])
        ends = counts.cumsum()
        starts = ends - counts
        items = np.arange(ends[-1])
        rank = items - starts.repeat(counts)
        left = ends.repeat(counts) - items
        rounds = []
        stride = 1
        longest = int(counts.max())
        while stride < longest:
            first = (rank & (2 * stride - 1) == 0) & (left > stride)
            rounds.append((first.nonzero()[0], stride))
            stride *= 2
        chosen: list[int] = []
        offsets: list[int] = []
        for block in made:
            chosen += block.patterns
            offsets += block.places
        places = {pattern: place for place, pattern in enumerate(dict.fromkeys(chosen))}
        table = np.array([_pattern(width, *self._patterns[pattern]) for pattern in places])
        patterns = np.array([places[pattern] for pattern in chosen])
        return SmallMatrixRecipe(width, table, patterns, np.array(offsets), tuple(rounds), starts)


class SmallMatrixRecipe(NamedTuple):
    """SmallMatrices of one width.

    WireGate ``i`` has the pattern ``table[patterns[i]]`` from the number ``places[i]`` on. In each
    round, the product of item ``i`` and what came ``stride`` items later becomes item ``i``.
    """

    width: int
    table: Indices
    patterns: Indices
    places: Indices
    rounds: tuple[tuple[Indices, int], ...]
    starts: Indices

    def fill(self, values: Values) -> Values:
        """The blocks' matrices, shape ``(..., blocks, 2**width, 2**width)``, for numbers of shape
        ``(..., numbers)``: one gate list's, or those of a sweep."""
        index = self.table.take(self.patterns, 0)
        index += self.places[:, None]
        if values.ndim == 1:
            return self._fill(values, index)
        lists = max(1, _BATCH // index.size)
        parts = [
            self._fill(values[first : first + lists], index)
            for first in range(0, len(values), lists)
        ]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _fill(self, values: Values, index: Indices) -> Values:
        size = 1 << self.width
        items = values.take(index, -1).reshape(*values.shape[:-1], -1, size, size)
        for first, stride in self.rounds:
            items[..., first, :, :] = items.take(first + stride, -3) @ items.take(first, -3)
        return items.take(self.starts, -3)


@lru_cache(maxsize=2048)
def _pattern(
    width: int,
    code: str,
    bits: tuple[int, ...],
    held: tuple[int, ...],
    state: int,
    extra: bytes,
) -> Indices:
    """For each entry of a matrix on ``width`` wires, where it is: 0 is a 1, 1 a 0, the rest the
    gate's own numbers. Shape ``(4**width,)``, row by row."""
    size = 1 << width
    index = np.arange(size)
    inner = extract(index, bits)
    rows, columns = inner[:, None], inner[None, :]
    if code == "m":
        found = 2 + rows * (1 << len(bits)) + columns
    elif code == "s":
        found = np.where(columns == 0, 2 + rows, 1)
    elif code == "d":
        entries = inner if not extra else np.frombuffer(extra, dtype=np.intp)[inner]
        found = np.where(rows == columns, 2 + entries[:, None], 1)
    else:
        table = np.frombuffer(extra, dtype=np.intp)
        found = np.where(rows == table[columns], 0, 1)
    others = index & ~mask_of(bits)
    found = np.where(others[:, None] == others[None, :], found, 1)
    if held:
        holds = (extract(index, held) == state)[None, :]
        found = np.where(holds, found, np.where(index[:, None] == index[None, :], 0, 1))
    found = found.reshape(-1)
    found.flags.writeable = False
    return found
