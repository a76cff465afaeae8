"""Scheduling of blocks into passes: the search of the tiled planner.

Two blocks commute if both are diagonal on every wire that they share; otherwise they keep their
order. A pass with a set of active wires can run every block whose targets are active and whose
predecessors have run. Diagonals and controls may depend on any wire.

Between two passes the write-back may put any wires of the tile at the lowest storage bits, and the
next tile must hold the wires at the lowest ``low`` bits. So consecutive sets of active wires share
at least ``low`` wires. There is no other constraint between them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from simquay.planning.tiled.block_types import Block
from simquay.planning.tiled.scheduling.graph import (
    Graph,
    Limits,
    choose_wires,
    worth_their_price,
)
from simquay.planning.tiled.scheduling.stages import next_alone, run_blocks
from simquay.program.bits import bits_of, mask_of

__all__ = ["ScheduledPass", "schedule_passes"]


@dataclass(slots=True, eq=False)
class ScheduledPass:
    """A pass before its stages are built.

    Attributes:
        before: the wires by storage bit as the pass reads them.
        grown: the same with the wires that the pass adds, at the top.
        active: the wires of the tile.
        stages: indices of blocks, in order: one block that moves amplitudes, or a list of diagonal
            blocks that are applied together.
        after: the wires by storage bit as the pass leaves them.
        wide: whether this is one block on more wires than a tile has, and no pass over tiles.
    """

    before: list[int]
    grown: list[int]
    active: set[int]
    stages: list[int | list[int]]
    after: list[int]
    wide: bool = False


def schedule_passes(
    blocks: Sequence[Block],
    graph: Graph,
    order: Sequence[int],
    tile: int,
    low: int,
    search: int = 0,
) -> list[ScheduledPass]:
    """Passes that run all ``blocks`` on a state whose storage bit ``p`` is wire ``order[p]``.

    Where the state is large, several searches are made, and the cheapest result is taken: from
    ``search`` qubits on two, if that is not 0, and from ``_LARGE`` on three.
    """
    best = _search(blocks, graph, order, tile, low, 1)
    width = len(best[-1].grown) if best else 0
    more: tuple[int, ...] = ()
    if width >= _LARGE:
        more = _MORE_STARTS
    elif 0 < search <= width:
        more = _SOME_STARTS
    for starts in more:
        # One pass that writes the whole vector is the least there can be.
        if sum(2.0 ** (len(pass_.grown) - width) for pass_ in best) < 1.5:
            break
        other = _search(blocks, graph, order, tile, low, starts)
        best = min(best, other, key=lambda passes: _time(passes, blocks))
    return best


def _time(passes: Sequence[ScheduledPass], blocks: Sequence[Block]) -> float:
    """The predicted time, in amplitudes written; ``_PASS`` flops take as long as writing one."""
    total = 0.0
    for pass_ in passes:
        work = sum(blocks[stage][0].flops for stage in pass_.stages if isinstance(stage, int))
        total += 2.0 ** len(pass_.grown) * max(1.0, work / _PASS) + _LEAST_PRICE
    return total


_LARGE = 25
"""From so many qubits on, a pass takes far longer than a search, on any device."""

_MORE_STARTS = (2, 8)
"""The starts of further searches; which of them does best depends on the circuit."""

_SOME_STARTS = (4,)
"""The same where a search costs little more than a pass."""

_LEAST_PRICE = 2.0**16
"""The cost of a pass with few amplitudes, in amplitudes."""

_PRICES = [2.0**width + _LEAST_PRICE for width in range(1000)]
"""The cost of a pass that writes so many qubits, in amplitudes. No state is nearly as wide."""

_PASS = 150.0
"""Flops per amplitude that take as long as moving it: between a CPU's figure and a GPU's."""


def _search(
    blocks: Sequence[Block], graph: Graph, order: Sequence[int], tile: int, low: int, starts: int
) -> list[ScheduledPass]:
    passes: list[ScheduledPass] = []
    current = list(order)
    pending: Sequence[int] = range(len(blocks))
    union = graph.union
    while union:
        last = passes[-1] if passes and not passes[-1].wide else None
        fits = _fitting(current, last, tile, low)
        # Choose the wires of the next tile, and run all that they can.
        stored = mask_of(current)
        if fits(union) and worth_their_price(union, stored, _PRICES):
            found = union
        else:
            sure = tile - min(low, len(current))
            limits = Limits(sure, tile, fits, stored, _PRICES)
            found = choose_wires(graph, pending, union, limits, starts)
        if found:
            stages, pending, union = run_blocks(graph, pending, found)
            active = _join(last, current, set(bits_of(found)), tile, low)
            current = last.after if last else current
            grown = current + sorted(active.difference(current))
            passes.append(ScheduledPass(current, grown, active, stages, grown))
            current = grown
            continue
        # The next block is on more wires than a tile has: it is a wide pass, once the diagonals
        # before it have run.
        ready, block, pending, union = next_alone(graph, pending)
        if ready:
            _run_diagonals(ready, passes, current, tile, low)
        if last is not None:
            _fill(last, set(), tile)
        type_, wires, _ = blocks[block]
        grown = current + sorted(set(wires[: type_.size]).difference(current))
        passes.append(ScheduledPass(current, grown, set(), [block], grown, wide=True))
        current = grown
    if pending:
        _run_diagonals(list(pending), passes, current, tile, low)
    if passes and not passes[-1].wide:
        _fill(passes[-1], set(), tile)
    return passes


def _run_diagonals(
    diagonals: list[int], passes: list[ScheduledPass], current: list[int], tile: int, low: int
) -> None:
    """Run diagonals that depend on no other block in the last tile, or in an additional one."""
    if not passes or passes[-1].wide:
        pass_ = ScheduledPass(current, current, set(current[:low]), [], current)
        _fill(pass_, set(), tile)
        passes.append(pass_)
    passes[-1].stages.append(diagonals)


def _fitting(
    current: Sequence[int], last: ScheduledPass | None, tile: int, low: int
) -> Callable[[int], bool]:
    """A predicate: whether the next tile can hold some wires, besides those that it must hold."""
    stored = mask_of(current)
    share = min(low, len(current))
    held = mask_of(last.active if last else current[:low])
    free = min(tile, len(current)) - len(last.active) if last else 0

    def fits(active: int) -> bool:
        # The last tile may still take in stored wires of this one where it is not full.
        shared = (active & held).bit_count()
        shared += min(free, (active & stored & ~held).bit_count())
        return max(share - shared, 0) + active.bit_count() <= tile

    return fits


def _fill(pass_: ScheduledPass, wanted: set[int], tile: int) -> None:
    """Complete the tile of ``pass_``: with ``wanted`` wires, then with those at the lowest bits."""
    missing = min(tile, len(pass_.grown)) - len(pass_.active)
    spare = [wire for wire in pass_.grown if wire not in pass_.active]
    spare.sort(key=lambda wire: wire not in wanted)
    pass_.active.update(spare[:missing])


def _join(
    last: ScheduledPass | None, current: Sequence[int], active: set[int], tile: int, low: int
) -> set[int]:
    """``active`` with the wires that the next tile must also hold; decides the order that ``last``
    leaves."""
    if last is None:
        return active.union(current[:low])
    _fill(last, active, tile)
    tile_bits = [bit for bit, wire in enumerate(last.grown) if wire in last.active]
    shared = active & last.active
    for bit in tile_bits:
        if len(shared) >= min(low, len(last.grown)):
            break
        shared.add(last.grown[bit])
    # The shared wires go to the tile's lowest bits; as many wires as possible stay.
    last.after = list(last.grown)
    bottom = tile_bits[: len(shared)]
    moving = [wire for wire in sorted(shared) if wire not in {last.grown[bit] for bit in bottom}]
    for bit in bottom:
        if last.grown[bit] not in shared:
            wire = moving.pop()
            other = last.after.index(wire)
            last.after[bit], last.after[other] = wire, last.after[bit]
    return active | shared
