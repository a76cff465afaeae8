"""Small matrices: the factors of clusters, of all clusters of a plan computed together.

The gates of a cluster are first multiplied into *small matrices* on three wires, so that few
products are large. A gate in a small matrix is a matrix of the same size, whose entries are numbers
of the gate, ones and zeros. Where they come from depends on the gate's kind and wires alone, so a
few *patterns* serve all circuits. So the entries of all gates of a plan are one indexed read of
their numbers, and the small matrices are a few batched products.
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
"""Two would give more products of whole clusters; products on four would cost as much as those."""

_BATCH = 1 << 14
"""The most entries of gates that are computed at once: memory that is given back to the system and
taken again for each plan would cost more than the arithmetic."""

_ONE_ZERO = np.array([1, 0], dtype=np.complex128).tobytes()


class ValueRecipe:
    """The order of all gates' numbers: those of each start at its offset, with a 1 and a 0."""

    __slots__ = ("_gates", "_size", "offsets")

    def __init__(self, gates: Sequence[GateOperation]) -> None:
        self._gates: list[int] = []  # those that have numbers
        self.offsets: list[int] = []
        offset = 0
        for index, gate in enumerate(gates):
            self.offsets.append(offset)
            kind = type(gate)
            if kind is Matrix:
                offset += 2 + (1 << 2 * len(gate.qubits))
            elif kind is Diagonal or kind is Prepare:
                offset += 2 + (1 << len(gate.qubits))
            else:
                continue
            self._gates.append(index)
        self._size = offset + 2

    def fill(self, gates: Sequence[GateOperation]) -> Values:
        """The numbers of ``gates``: for each, a 1, a 0 and its own in C order; a 1 and a 0 last."""
        arrays: list[Any] = [_array_of(gates[index]) for index in self._gates]
        try:
            # The fastest way, for arrays as programs promise them: complex128, in C order.
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
    """Gates on a few wires, in order: of each its pattern, and where its numbers start."""

    __slots__ = ("patterns", "starts", "wires")

    def __init__(self, wires: list[int]) -> None:
        self.wires = wires
        self.patterns: list[int] = []
        self.starts: list[int] = []


class SmallMatrices:
    """Collects the small matrices of a plan, to be computed together.

    Patterns are numbered as they appear; ``_patterns`` has the arguments of :func:`_pattern`.
    """

    def __init__(self, gates: Sequence[GateOperation], offsets: Sequence[int]) -> None:
        self._gates = gates
        self._offsets = offsets
        self._pattern_ids: dict[Hashable, int] = {}
        self._patterns: list[_Pattern] = []
        self._tables: dict[int, bytes] = {}  # of permutations, by the id of their array
        self._made: dict[int, list[_SmallMatrix]] = {}  # by width

    def add(
        self, nodes: Iterable[GateNode], wires: Sequence[int]
    ) -> list[tuple[int, int, list[int]]]:
        """Take in ``nodes``, which act on ``wires``, as small matrices.

        Each is on :data:`SMALL_WIRES` wires, or on those of one node that has more, or on all
        ``wires``. Returns, in the order in which they are applied, for each its width, its index
        among those of this width, and its wires: bit ``j`` of its index is the ``j``-th.
        """
        limit = min(SMALL_WIRES, len(wires))
        made: list[_SmallMatrix] = []
        latest: dict[int, int] = {}  # wire → the last small matrix on it
        pattern_ids, offsets, gates, tables = (
            self._pattern_ids,
            self._offsets,
            self._gates,
            self._tables,
        )
        for node in nodes:
            acts = node.wires
            found = -1
            for wire in acts:
                position = latest.get(wire, -1)
                if position > found:
                    found = position
            if found >= 0:
                small = made[found]
                own = small.wires
                new = [wire for wire in acts if wire not in own]
            else:  # nothing acts on these wires yet: any that has enough free wires will do
                new = [*acts]
                for position, small in enumerate(made):
                    if len(small.wires) + len(new) <= limit:
                        found = position
                        break
            if found < 0 or (new and len(small.wires) + len(new) > limit):
                found = len(made)
                small = _SmallMatrix([*acts])
                made.append(small)
                for wire in acts:
                    latest[wire] = found
            elif new:
                small.wires += new
                for wire in acts:
                    latest[wire] = found
            index = small.wires.index
            for wire_gate in node.gates:
                gate_index, code, targets, held, state, select = wire_gate
                key: Hashable
                if code == "m" and not held and len(targets) == 1:
                    key = index(targets[0])
                elif code == "p":
                    gate: Any = gates[gate_index]
                    table = tables.get(id(gate.table))
                    if table is None:
                        table = self._table(gate_index)
                    key = (table, state, len(held), *map(index, targets), *map(index, held))
                else:
                    key = (code, state, len(held), *map(index, targets), *map(index, held))
                    if select is not None:
                        key = (key, select.tobytes())
                pattern = pattern_ids.get(key)
                if pattern is None:
                    pattern = pattern_ids[key] = len(self._patterns)
                    self._patterns.append(self._pattern(wire_gate, small.wires))
                small.patterns.append(pattern)
                small.starts.append(offsets[gate_index])
        placed = []
        for small in made:
            own = small.wires
            if len(own) < limit:
                own += [wire for wire in wires if wire not in own][: limit - len(own)]
            alike = self._made.setdefault(len(own), [])
            placed.append((len(own), len(alike), own))
            alike.append(small)
        return placed

    def _table(self, gate_index: int) -> bytes:
        """The table of a permutation. Gates often share one array: it is read once."""
        gate: Any = self._gates[gate_index]
        data = np.asarray(gate.table, dtype=np.intp).tobytes()
        self._tables[id(gate.table)] = data
        return data

    def _pattern(self, wire_gate: WireGate, wires: list[int]) -> _Pattern:
        gate_index, code, acts, held, state, select = wire_gate
        extra = b"" if select is None else select.tobytes()
        if code == "p":
            extra = self._table(gate_index)
        return (
            code,
            tuple([wires.index(wire) for wire in acts]),
            tuple([wires.index(wire) for wire in held]),
            state,
            extra,
        )

    def recipes(self) -> tuple[SmallMatrixRecipe, ...]:
        """The recipes of all small matrices that were taken in, those of one width in order."""
        recipes = []
        for width, made in self._made.items():
            most = _BATCH >> 2 * width
            first = count = 0
            for position, small in enumerate(made):
                if position > first and count + len(small.patterns) > most:
                    recipes.append(self._recipe(width, made[first:position]))
                    first, count = position, 0
                count += len(small.patterns)
            recipes.append(self._recipe(width, made[first:]))
        return tuple(recipes)

    def _recipe(self, width: int, made: list[_SmallMatrix]) -> SmallMatrixRecipe:
        counts = np.array([len(small.patterns) for small in made])
        ends = counts.cumsum()
        starts = ends - counts
        gates = np.arange(ends[-1])
        rank = gates - starts.repeat(counts)
        left = ends.repeat(counts) - gates
        rounds = []
        stride = 1
        longest = int(counts.max())
        while stride < longest:
            first = (rank & (2 * stride - 1) == 0) & (left > stride)
            rounds.append((first.nonzero()[0], stride))
            stride *= 2
        chosen: list[int] = []
        offsets: list[int] = []
        for small in made:
            chosen += small.patterns
            offsets += small.starts
        rows = {pattern: row for row, pattern in enumerate(dict.fromkeys(chosen))}
        table = np.array([_pattern(width, *self._patterns[pattern]) for pattern in rows])
        patterns = np.array([rows[pattern] for pattern in chosen])
        return SmallMatrixRecipe(width, table, patterns, np.array(offsets), tuple(rounds), starts)


class SmallMatrixRecipe(NamedTuple):
    """Small matrices of one width, as products of gates.

    Attributes:
        width: in wires.
        table: patterns (:func:`_pattern`), shape ``(patterns, 4**width)``.
        patterns: for each gate, the row of its pattern; the gates of one small matrix follow each
            other.
        offsets: for each gate, where its numbers start.
        rounds: pairs ``(gates, stride)``: each of these gates is replaced by its product with the
            gate ``stride`` later, the later one leftmost. Products are made by halving.
        starts: the first gate of each small matrix, which is the product of all in the end.
    """

    width: int
    table: Indices
    patterns: Indices
    offsets: Indices
    rounds: tuple[tuple[Indices, int], ...]
    starts: Indices

    def fill(self, values: Values) -> Values:
        """The small matrices, shape ``(..., count, 2**width, 2**width)``.

        ``values`` has shape ``(..., numbers)``: the numbers of one gate list, or of a sweep.
        """
        index = self.table.take(self.patterns, 0)
        index += self.offsets[:, None]
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
        products = values.take(index, -1).reshape(*values.shape[:-1], -1, size, size)
        for first, stride in self.rounds:
            products[..., first, :, :] = products.take(first + stride, -3) @ products.take(
                first, -3
            )
        return products.take(self.starts, -3)


@lru_cache(maxsize=2048)
def _pattern(
    width: int,
    code: str,
    bits: tuple[int, ...],
    held: tuple[int, ...],
    state: int,
    extra: bytes,
) -> Indices:
    """For each entry of a gate's matrix on ``width`` wires, where it is among the gate's numbers.

    0 stands for a 1, 1 for a 0, and the gate's own numbers begin at 2. Shape ``(4**width,)``, row
    by row. The other arguments are those of the gate: its kind, the bits of its wires and of its
    controls, the control state, and the bytes of its table or of the entries that are selected.
    """
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
