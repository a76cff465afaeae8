"""Which wires run the most blocks: the search of the tiled planner.

Two blocks commute where, on every wire that they share, both are diagonal; otherwise they keep
their order. A set of *active* wires can run a block when its targets are active and all that it
waits for has run. Diagonals and controls may look at any wire, so diagonals never wait for the
active wires, nor for each other: only *movers*, which move amplitudes along their targets, are
searched over, and a mover waits for the movers before a diagonal that stands before it.

So some wires can run a mover if they hold its *cone*: its targets, and those of all the movers
that it waits for, directly or not. What a search has to know of the movers are their cones.

Sets of wires are integers here: bit ``w`` is wire ``w``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_

from simquay.planning.tiled.blocks.blocks import Blocks
from simquay.program.bits import mask_of

__all__ = ["Graph", "choose", "worth_all"]


class Graph:
    """The blocks as the search sees them.

    Attributes:
        targets: for each block, the wires along which it moves amplitudes.
        watched: for each block, the wires on which it is diagonal.
        wires: for each block, its wires.
        union: the targets of all.
        every: all wires.
        width: more than any wire.
    """

    __slots__ = ("every", "targets", "union", "watched", "width", "wires")

    def __init__(self, blocks: Blocks) -> None:
        self.wires = blocks.wires
        targets = []
        watched = []
        union = every = 0
        for act, wires in zip(blocks.acts, blocks.wires, strict=True):
            if act.total == 1:
                mask = 1 << wires[0]
                seen = 0
            elif act.total == 2:
                mask = 1 << wires[0]
                seen = 1 << wires[1]
                if not act.controls:
                    mask |= seen
                    seen = 0
            else:
                mask = mask_of(wires[: act.size])
                seen = mask_of(wires[act.size :])
            if act.moves:
                union |= mask
            else:
                seen |= mask
                mask = 0
            every |= seen
            targets.append(mask)
            watched.append(seen)
        self.targets = targets
        self.watched = watched
        self.union = union
        self.every = union | every
        self.width = self.every.bit_length()


@dataclass(slots=True, eq=False)
class _Limits:
    """What wires there may be, and what they cost; see :func:`choose`."""

    sure: int
    most: int
    fits: Callable[[int], bool]
    cheap: int
    prices: Sequence[float]


def choose(
    graph: Graph,
    pending: Sequence[int],
    union: int,
    sure: int,
    most: int,
    fits: Callable[[int], bool],
    cheap: int,
    prices: Sequence[float],
    starts: int = 1,
) -> int:
    """Wires that run much of the blocks ``pending``, whose targets are ``union``, for their price.

    Returns 0 if there are none that ``fits`` allows and that run anything. Up to ``sure`` wires
    always fit, more than ``most`` never do, and what does not fit does not with more wires either.
    ``prices`` says what a vector costs over the wires ``cheap`` and those found, by their number;
    it never falls.

    Wires are added greedily: each time those, among what some mover in front still lacks, that
    run the most per wire. Wires that are not ``cheap`` are added last, and only where the gain
    grows at least half as fast as the price. With several ``starts``, the search also begins with
    the targets of the first movers in front, and what gains most per price wins.
    """
    limits = _Limits(sure, most, fits, cheap, prices)
    cones = _cones(graph, pending, union, limits)
    everything = reduce(or_, cones, 0)
    if fits(everything) and worth_all(everything, cheap, prices):
        return everything
    if starts == 1:
        return _grow(cones, limits)[0]
    best, best_value = 0, -1.0
    for start in [0, *_front(cones)[: starts - 1]]:
        active, gain = _grow({cone: list(entry) for cone, entry in cones.items()}, limits, start)
        value = gain / prices[(cheap | active).bit_count()]
        if value > best_value:
            best, best_value = active, value
    return best


_NEVER = -1
"""The cone of a mover that no wires can run in this pass: it holds all wires."""


def _cones(
    graph: Graph, pending: Sequence[int], union: int, limits: _Limits
) -> dict[int, list[int]]:
    """For each cone that fits, how many targets its movers have, and the first of them."""
    targets, wires_of = graph.targets, graph.wires
    sure, fits = limits.sure, limits.fits
    cones: dict[int, list[int]] = {}
    # By wire: the cone of the last mover, and those of all that the next one waits for.
    passed = [0] * graph.width
    needed = [0] * graph.width
    never = 0
    for number in pending:
        mask = targets[number]
        wires = wires_of[number]
        if not mask:
            if len(wires) == 2:
                one, two = wires
                needed[two] |= passed[one]
                needed[one] |= passed[two]
            elif len(wires) > 2:
                cone = 0
                for wire in wires:
                    cone |= passed[wire]
                for wire in wires:
                    needed[wire] |= cone
            continue
        cone = mask
        if len(wires) == 1:
            wire = wires[0]
            cone |= needed[wire]
        else:
            for wire in wires:
                cone |= needed[wire] if mask >> wire & 1 else passed[wire]
        entry = cones.get(cone)
        if entry is not None:
            entry[0] += mask.bit_count()
        elif cone != _NEVER and (cone.bit_count() <= sure or fits(cone)):
            cones[cone] = [mask.bit_count(), number]
        else:
            cone = _NEVER
            never |= mask
            if never == union:
                # Every mover from here on waits for one that cannot run.
                break
        if len(wires) == 1:
            passed[wire] = needed[wire] = cone
            continue
        for wire in wires:
            if mask >> wire & 1:
                passed[wire] = needed[wire] = cone
            else:
                needed[wire] |= cone
    return cones


def _front(cones: dict[int, list[int]]) -> list[int]:
    """What the movers in front lack, by the first mover.

    These are the least of the cones, and they are disjoint: each wire has at most one mover in
    front, and all others there wait for it.
    """
    taken = 0
    front = []
    for lack in sorted(cones, key=int.bit_count):
        if not lack & taken:
            taken |= lack
            front.append(lack)
    return sorted(front, key=lambda lack: cones[lack][1])


def _grow(cones: dict[int, list[int]], limits: _Limits, start: int = 0) -> tuple[int, int]:
    """Wires, and how many targets the movers have that they run; ``cones`` is used up.

    Where ``start`` is not 0, it comes first; it must be what a mover in front lacks.
    """
    sure, most, fits, prices = limits.sure, limits.most, limits.fits, limits.prices
    active = gain = front = 0
    known = limits.cheap
    # For what movers in front lack, and may fit: whether it is cheap, and what it gains per wire;
    # of equals, the first mover decides.
    values: dict[int, tuple[bool, float, int]] = {}
    advanced = sorted(cones, key=int.bit_count)
    while True:
        for lack in advanced:
            if not lack & front:
                front |= lack
                more, first = cones[lack]
                values[lack] = (not lack & ~known, more / lack.bit_count(), -first)
        best = start
        start = 0
        while values and not best:
            best = max(values, key=values.__getitem__)
            wires = active | best
            if wires.bit_count() > sure and not fits(wires):
                del values[best]
                best = 0
            elif not values[best][0]:
                # It must gain at least half as much for its price as all so far.
                rate = 0.5 * gain / prices[known.bit_count()]
                if (gain + cones[best][0]) / prices[(known | best).bit_count()] < rate:
                    best = _other(cones, values, limits, active, gain)
                    break
        if not best:
            return active, gain
        active |= best
        known |= best
        front ^= best
        gain += cones.pop(best)[0]
        del values[best]
        # What other movers lack shrinks, and may become the same.
        room = most - active.bit_count()
        advanced = []
        for lack in [lack for lack in cones if lack & best]:
            entry = cones.pop(lack)
            rest = lack & ~best
            if rest.bit_count() > room:
                continue
            same = cones.get(rest)
            if same is None:
                cones[rest] = entry
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


def _other(
    cones: dict[int, list[int]],
    values: dict[int, tuple[bool, float, int]],
    limits: _Limits,
    active: int,
    gain: int,
) -> int:
    """The best of wires that are not cheap but fit and are worth their price; 0 if none are."""
    known = limits.cheap | active
    prices = limits.prices
    rate = 0.5 * gain / prices[known.bit_count()]
    for lack in sorted(values, key=values.__getitem__, reverse=True):
        if (gain + cones[lack][0]) / prices[(known | lack).bit_count()] >= rate and limits.fits(
            active | lack
        ):
            return lack
    return 0


def worth_all(wires: int, cheap: int, prices: Sequence[float]) -> bool:
    """Whether ``wires`` are worth their price together, whatever they gain.

    Then :func:`choose` would add all that fit, one after the other.
    """
    return not wires & ~cheap or (
        prices[(wires | cheap).bit_count()] <= 2 * prices[cheap.bit_count()]
    )
