"""The search for the wires of a tile that let the most blocks run.

Two blocks commute if both are diagonal on every wire that they share; otherwise they keep their
order. A set of *active* wires can run a block if its *targets*, the wires along which it moves
amplitudes, are active, and all blocks that it depends on have run. A diagonal has no targets, so it
can run in any tile. The search is over the other blocks, the *moving* ones; a moving block depends
on the moving blocks before a diagonal that it depends on.

So a set of wires can run a moving block if it holds the block's *closure*: its targets, and those
of all moving blocks that it depends on, directly or not. The search works on closures alone.

Example, on three wires: H on wire 0, CZ on wires 0 and 1, H on wire 1. The CZ is diagonal. The
closure of the first H is {0}; that of the second is {0, 1}, since the CZ must come between them.

Sets of wires are masks: bit ``w`` is wire ``w``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from operator import or_
from typing import NamedTuple

from simquay.planning.tiled.block_types import Block
from simquay.program.bits import mask_of

__all__ = ["Graph", "Limits", "choose_wires", "worth_their_price"]


class Graph:
    """The blocks as the search sees them.

    Attributes:
        targets: for each block, the mask of the wires along which it moves amplitudes.
        watched: for each block, the mask of the wires on which it is diagonal.
        wires: for each block, its wires.
        union: the targets of all blocks.
        every: the wires of all blocks.
        width: one more than the highest wire.
    """

    __slots__ = ("every", "targets", "union", "watched", "width", "wires")

    def __init__(
        self, wires: list[tuple[int, ...]], targets: list[int], watched: list[int]
    ) -> None:
        self.wires = wires
        self.targets = targets
        self.watched = watched
        self.union = reduce(or_, targets, 0)
        self.every = reduce(or_, watched, self.union)
        self.width = self.every.bit_length()

    @classmethod
    def of(cls, blocks: Sequence[Block]) -> Graph:
        """All ``blocks``."""
        targets = []
        watched = []
        for type_, wires, _ in blocks:
            if type_.total == 1:
                mask = 1 << wires[0]
                seen = 0
            elif type_.total == 2:
                mask = 1 << wires[0]
                seen = 1 << wires[1]
                if not type_.controls:
                    mask |= seen
                    seen = 0
            else:
                mask = mask_of(wires[: type_.size])
                seen = mask_of(wires[type_.size :])
            if not type_.moves:
                seen |= mask
                mask = 0
            targets.append(mask)
            watched.append(seen)
        return cls([wires for _, wires, _ in blocks], targets, watched)

    def take(self, indices: Sequence[int]) -> Graph:
        """The blocks with these indices, in this order."""
        return Graph(
            [self.wires[index] for index in indices],
            [self.targets[index] for index in indices],
            [self.watched[index] for index in indices],
        )


class Limits(NamedTuple):
    """The wires that are allowed, and their price.

    Attributes:
        sure: up to so many wires always fit.
        most: more wires than this never fit.
        fits: whether some wires fit; if they do not, no superset of them does.
        cheap: wires that cost nothing: they are stored already.
        prices: the cost of a vector over the wires ``cheap`` and those found, by how many these
            are; it never falls.
    """

    sure: int
    most: int
    fits: Callable[[int], bool]
    cheap: int
    prices: Sequence[float]


def choose_wires(
    graph: Graph, pending: Sequence[int], union: int, limits: Limits, starts: int = 1
) -> int:
    """Wires (a mask) that run many of the blocks ``pending`` for their price.

    Wires are added greedily. Each time, of the sets of wires that some ready block still lacks, the
    one is added that lets the most targets run per wire. Wires that are not ``cheap`` come last,
    and only where the gain grows at least half as fast as the price.

    Args:
        graph: all blocks.
        pending: the blocks that have not run, by index, in order.
        union: the targets of ``pending``.
        limits: the wires that are allowed, and their price.
        starts: how many searches are made. All but the first begin with the targets of one of the
            first ready blocks; the one that gains most per price wins.

    Returns:
        0 if no wires that fit can run a block.
    """
    _, _, fits, cheap, prices = limits
    closures = _closures(graph, pending, union, limits)
    everything = reduce(or_, closures, 0)
    if fits(everything) and worth_their_price(everything, cheap, prices):
        return everything
    if starts == 1:
        return _grow(closures, limits)[0]
    best, best_value = 0, -1.0
    for start in [0, *_front(closures)[: starts - 1]]:
        active, gain = _grow(
            {closure: list(entry) for closure, entry in closures.items()}, limits, start
        )
        value = gain / prices[(cheap | active).bit_count()]
        if value > best_value:
            best, best_value = active, value
    return best


_NEVER = -1
"""The closure of a block that no wires can run in this pass: it holds all wires."""


def _closures(
    graph: Graph, pending: Sequence[int], union: int, limits: Limits
) -> dict[int, list[int]]:
    """For each closure that fits, how many targets its blocks have in all, and the first block."""
    targets, wires_of = graph.targets, graph.wires
    sure, most, fits, _, _ = limits
    closures: dict[int, list[int]] = {}
    # By wire: the closure of the last moving block, and the union of the closures of all that the
    # next one depends on.
    passed = [0] * graph.width
    needed = [0] * graph.width
    never = 0
    for block in pending:
        mask = targets[block]
        wires = wires_of[block]
        if not mask:
            if len(wires) == 2:
                one, two = wires
                needed[two] |= passed[one]
                needed[one] |= passed[two]
            elif len(wires) > 2:
                closure = 0
                for wire in wires:
                    closure |= passed[wire]
                for wire in wires:
                    needed[wire] |= closure
            continue
        closure = mask
        if len(wires) == 1:
            wire = wires[0]
            closure |= needed[wire]
        else:
            for wire in wires:
                closure |= needed[wire] if mask >> wire & 1 else passed[wire]
        entry = closures.get(closure)
        if entry is not None:
            entry[0] += mask.bit_count()
        elif closure != _NEVER and (
            (width := closure.bit_count()) <= sure or (width <= most and fits(closure))
        ):
            closures[closure] = [mask.bit_count(), block]
        else:
            closure = _NEVER
            never |= mask
            if never == union:
                # Every moving block from here on depends on one that cannot run.
                break
        if len(wires) == 1:
            passed[wire] = needed[wire] = closure
            continue
        for wire in wires:
            if mask >> wire & 1:
                passed[wire] = needed[wire] = closure
            else:
                needed[wire] |= closure
    return closures


def _front(closures: dict[int, list[int]]) -> list[int]:
    """The closures of ready blocks, by their first block.

    These are the smallest closures, and they are disjoint: each wire has at most one ready moving
    block, and the others on it depend on that one.
    """
    taken = 0
    front = []
    for lack in sorted(closures, key=int.bit_count):
        if not lack & taken:
            taken |= lack
            front.append(lack)
    return sorted(front, key=lambda lack: closures[lack][1])


def _grow(closures: dict[int, list[int]], limits: Limits, start: int = 0) -> tuple[int, int]:
    """Wires, and how many targets the blocks that they run have in all; changes ``closures``.

    Where ``start`` is not 0, it comes first; it must be the closure of a ready block.
    """
    sure, most, fits, known, prices = limits
    active = gain = front = 0
    # For each set of wires that a ready block lacks and that may fit: whether it is cheap, and its
    # gain per wire; of equals, the first block decides.
    values: dict[int, tuple[bool, float, int]] = {}
    advanced = sorted(closures, key=int.bit_count)
    while True:
        for lack in advanced:
            if not lack & front:
                front |= lack
                more, first = closures[lack]
                values[lack] = (not lack & ~known, more / lack.bit_count(), -first)
        # 1. The best set that fits, and gains at least half as much for its price as all so far.
        best = start
        start = 0
        for lack in () if best else sorted(values, key=values.__getitem__, reverse=True):
            wires = active | lack
            width = wires.bit_count()
            if width > sure and (width > most or not fits(wires)):
                del values[lack]
                continue
            if not values[lack][0]:
                rate = 0.5 * gain / prices[known.bit_count()]
                if (gain + closures[lack][0]) / prices[(known | lack).bit_count()] < rate:
                    continue
            best = lack
            break
        if not best:
            return active, gain
        # 2. Its wires become active.
        active |= best
        known |= best
        front ^= best
        gain += closures.pop(best)[0]
        del values[best]
        # 3. The sets that other blocks lack shrink, and may become equal.
        free = most - active.bit_count()
        advanced = []
        for lack in [lack for lack in closures if lack & best]:
            entry = closures.pop(lack)
            rest = lack & ~best
            if rest.bit_count() > free:
                continue
            same = closures.get(rest)
            if same is None:
                closures[rest] = entry
                if not rest & front:
                    advanced.append(rest)
                continue
            same[0] += entry[0]
            if entry[1] < same[1]:
                same[1] = entry[1]
            if rest in values:
                values[rest] = (values[rest][0], same[0] / rest.bit_count(), -same[1])
        if len(advanced) > 1:
            advanced.sort(key=int.bit_count)


def worth_their_price(wires: int, cheap: int, prices: Sequence[float]) -> bool:
    """Whether ``wires`` are worth their price together, whatever they gain.

    If so, :func:`choose_wires` would add all that fit, one after the other.
    """
    return not wires & ~cheap or (
        prices[(wires | cheap).bit_count()] <= 2 * prices[cheap.bit_count()]
    )
