"""Which blocks run in which pass: the search of the tiled planner.

Two blocks commute where, on every wire that they share, both are diagonal; otherwise they keep
their order. A pass with a set of active wires can run every block whose targets are active and
whose predecessors have run. Diagonals and controls may look at any wire.

Between two passes the write-back may put any wires of the tile at the lowest storage bits, and the
next tile must hold the wires at the lowest ``low`` bits. So consecutive sets of active wires share
at least ``low`` wires, and that is the only bond between them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from simquay.planning.tiled.blocks.blocks import Blocks
from simquay.planning.tiled.scheduling.graph import Graph, choose_wires, worth_their_price
from simquay.planning.tiled.scheduling.stages import gather, next_moving, run
from simquay.program.bits import bits_of, mask_of

__all__ = ["ScheduledPass", "schedule_passes"]


@dataclass(slots=True, eq=False)
class ScheduledPass:
    """One pass, before its stages are built.

    Attributes:
        before: the wires by storage bit as the pass reads them.
        grown: the same with the wires that the pass adds, at the top.
        active: the wires of the tile.
        stages: numbers of blocks, in order: one block that moves amplitudes, or a list of diagonal
            blocks that are applied together.
        after: the wires by storage bit as the pass leaves them.
        wide: whether this is no pass of tiles, but a block on more wires than a tile has.
    """

    before: list[int]
    grown: list[int]
    active: set[int]
    stages: list[int | list[int]]
    after: list[int]
    wide: bool = False


def schedule_passes(
    blocks: Blocks, order: Sequence[int], tile: int, low: int, search: int = 0
) -> list[ScheduledPass]:
    """Passes that run all ``blocks`` on a state whose storage bit ``p`` is wire ``order[p]``.

    Where the state is large, several searches are made, and the cheapest result is taken: from
    ``search`` qubits on two, if that is not 0, and from ``_LARGE`` on three.
    """
    graph = Graph(blocks)
    best = _search(blocks, graph, order, tile, low, 1)
    width = len(best[-1].grown) if best else 0
    more: tuple[int, ...] = ()
    if width >= _LARGE:
        more = _MORE_STARTS
    elif 0 < search <= width:
        more = _SOME_STARTS
    for starts in more:
        # One pass that writes the whole vector is the least there can be.
        if sum(2.0 ** (len(step.grown) - width) for step in best) < 1.5:
            break
        other = _search(blocks, graph, order, tile, low, starts)
        best = min(best, other, key=lambda steps: _time(steps, blocks))
    return best


def _time(steps: Sequence[ScheduledPass], blocks: Blocks) -> float:
    """What the steps take, in amplitudes written; a pass outweighs ``_PASS`` flops."""
    total = 0.0
    for step in steps:
        work = sum(blocks.types[stage].flops for stage in step.stages if isinstance(stage, int))
        total += 2.0 ** len(step.grown) * max(1.0, work / _PASS) + _LEAST_PRICE
    return total


_LARGE = 25
"""From so many qubits on, a pass costs far more than a search, on any device."""

_MORE_STARTS = (2, 8)
"""With how many starts further searches are made; which does best depends on the circuit."""

_SOME_STARTS = (4,)
"""The same where a search is not much dearer than a pass."""

_LEAST_PRICE = 2.0**16
"""What a pass costs however few amplitudes it has, in amplitudes."""

_PRICES = [2.0**width + _LEAST_PRICE for width in range(1000)]
"""What a pass costs that writes so many qubits, in amplitudes. No state is nearly as wide."""

_PASS = 150.0
"""Flops per amplitude that take as long as moving it: between a CPU's figure and a GPU's."""


def _search(
    blocks: Blocks, graph: Graph, order: Sequence[int], tile: int, low: int, starts: int
) -> list[ScheduledPass]:
    steps: list[ScheduledPass] = []
    current = list(order)
    pending: Sequence[int] = range(len(blocks))
    union = graph.union
    while union:
        last = steps[-1] if steps and not steps[-1].wide else None
        fits = _fitting(current, last, tile, low)
        stored = mask_of(current)
        if fits(union) and worth_their_price(union, stored, _PRICES):
            found = union
        else:
            sure = tile - min(low, len(current))
            found = choose_wires(graph, pending, union, sure, tile, fits, stored, _PRICES, starts)
        if found:
            stages, pending, union = run(graph, pending, found)
            active = _join(last, current, set(bits_of(found)), tile, low)
            current = last.after if last else current
            grown = current + sorted(active.difference(current))
            steps.append(ScheduledPass(current, grown, active, stages, grown))
            current = grown
            continue
        # Only blocks on more wires than a tile has are left to start with.
        number = next_moving(graph, pending)
        if number is None:
            pending = _flush(graph, pending, steps, current, tile, low)
            number = next_moving(graph, pending)
            assert number is not None
        if last is not None:
            _fill(last, set(), tile)
        pending = [other for other in pending if other != number]
        union = 0
        for other in pending:
            union |= graph.targets[other]
        own = blocks.wires[number][: blocks.types[number].size]
        grown = current + sorted(set(own).difference(current))
        steps.append(ScheduledPass(current, grown, set(), [number], grown, wide=True))
        current = grown
    if pending:
        _flush(graph, pending, steps, current, tile, low)
    if steps and not steps[-1].wide:
        _fill(steps[-1], set(), tile)
    return steps


def _flush(
    graph: Graph,
    pending: Sequence[int],
    steps: list[ScheduledPass],
    current: list[int],
    tile: int,
    low: int,
) -> list[int]:
    """Run the diagonals that are ready in the last tile, or in one of their own.

    Returns what is still pending.
    """
    if not steps or steps[-1].wide:
        step = ScheduledPass(current, current, set(current[:low]), [], current)
        _fill(step, set(), tile)
        steps.append(step)
    diagonals, rest = gather(graph, pending)
    steps[-1].stages.append(diagonals)
    return rest


def _fitting(
    current: Sequence[int], last: ScheduledPass | None, tile: int, low: int
) -> Callable[[int], bool]:
    """Whether the next tile can hold some wires, besides those that it must."""
    stored = mask_of(current)
    share = min(low, len(current))
    held = mask_of(last.active if last else current[:low])
    free = min(tile, len(current)) - len(last.active) if last else 0

    def fits(active: int) -> bool:
        # Free places of the last tile can still be given to stored wires of this one.
        shared = (active & held).bit_count()
        shared += min(free, (active & stored & ~held).bit_count())
        return max(share - shared, 0) + active.bit_count() <= tile

    return fits


def _fill(step: ScheduledPass, wanted: set[int], tile: int) -> None:
    """Complete the step's tile: with ``wanted`` wires first, then those at the lowest bits."""
    missing = min(tile, len(step.grown)) - len(step.active)
    spare = [wire for wire in step.grown if wire not in step.active]
    spare.sort(key=lambda wire: wire not in wanted)
    step.active.update(spare[:missing])


def _join(
    last: ScheduledPass | None, current: Sequence[int], active: set[int], tile: int, low: int
) -> set[int]:
    """``active`` with what the next tile must also hold; settles how ``last`` writes back."""
    if last is None:
        return active.union(current[:low])
    _fill(last, active, tile)
    slots = [bit for bit, wire in enumerate(last.grown) if wire in last.active]
    shared = active & last.active
    for bit in slots:
        if len(shared) >= min(low, len(last.grown)):
            break
        shared.add(last.grown[bit])
    # The shared wires go to the tile's lowest bits; as many wires as possible stay.
    last.after = list(last.grown)
    bottom = slots[: len(shared)]
    moving = [wire for wire in sorted(shared) if wire not in {last.grown[bit] for bit in bottom}]
    for bit in bottom:
        if last.grown[bit] not in shared:
            wire = moving.pop()
            other = last.after.index(wire)
            last.after[bit], last.after[other] = wire, last.after[bit]
    return active | shared
