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

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from quayside.planning.tile_blocks import Blocks

__all__ = ["Graph", "choose", "mask_of", "price", "wires_of"]


class Graph:
    """The blocks as the search sees them.

    Attributes:
        targets: for each block, the wires along which it moves amplitudes.
        watched: for each block, the wires on which it is diagonal.
        wires: for each block, its wires.
        union: the targets of all.
    """

    __slots__ = ("targets", "union", "watched", "wires")

    def __init__(self, blocks: Blocks) -> None:
        self.wires = blocks.wires
        targets = []
        watched = []
        union = 0
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
            targets.append(mask)
            watched.append(seen)
        self.targets = targets
        self.watched = watched
        self.union = union


@dataclass(slots=True, eq=False)
class _Limits:
    """What wires there may be, and what they cost; see :func:`choose`."""

    sure: int
    fits: Callable[[int], bool]
    cheap: int
    least: float

    def allow(self, wires: int) -> bool:
        """Whether the wires fit."""
        return wires.bit_count() <= self.sure or self.fits(wires)


def choose(
    graph: Graph,
    pending: Sequence[int],
    union: int,
    sure: int,
    fits: Callable[[int], bool],
    cheap: int,
    least: float,
    starts: int = 1,
) -> int:
    """Wires that run much of the blocks ``pending``, whose targets are ``union``, for their price.

    Returns 0 if there are none that ``fits`` allows and that run anything. Up to ``sure`` wires
    always fit, and what does not fit does not with more wires either. The price is that of a
    vector over the wires ``cheap`` and those found: ``least`` more than its amplitudes.

    Wires are added greedily: each time those, among what some mover in front still lacks, that
    run the most per wire. Wires that are not ``cheap`` are added last, and only where the gain
    grows at least half as fast as the price. With several ``starts``, the search also begins with
    the targets of the first movers in front, and what gains most per price wins.
    """
    limits = _Limits(sure, fits, cheap, least)
    gains, firsts = _cones(graph, pending, union, limits)
    if starts == 1:
        trial = _Trial(gains, firsts, limits)
        trial.grow()
        return trial.active
    front = _Trial(dict(gains), dict(firsts), limits).front()
    best, best_value = 0, -1.0
    for start in [0, *sorted(front, key=firsts.__getitem__)[: starts - 1]]:
        trial = _Trial(dict(gains), dict(firsts), limits)
        if start:
            trial.take(start)
        trial.grow()
        value = trial.gain / price(cheap | trial.active, least)
        if value > best_value:
            best, best_value = trial.active, value
    return best


_NEVER = -1
"""The cone of a mover that no wires can run in this pass: it holds all wires."""


def _cones(
    graph: Graph, pending: Sequence[int], union: int, limits: _Limits
) -> tuple[dict[int, int], dict[int, int]]:
    """For each cone that fits, how many targets its movers have, and its first mover."""
    targets, wires_of = graph.targets, graph.wires
    gains: dict[int, int] = {}
    firsts: dict[int, int] = {}
    # By wire: the cone of the last mover, and those of all that the next one waits for.
    passed: dict[int, int] = {}
    needed: dict[int, int] = {}
    never = 0
    for number in pending:
        mask = targets[number]
        wires = wires_of[number]
        if not mask:
            if len(wires) == 2:
                one, two = wires
                if one in passed:
                    needed[two] = needed.get(two, 0) | passed[one]
                if two in passed:
                    needed[one] = needed.get(one, 0) | passed[two]
            elif len(wires) > 2:
                cone = 0
                for wire in wires:
                    cone |= passed.get(wire, 0)
                for wire in wires:
                    needed[wire] = needed.get(wire, 0) | cone
            continue
        cone = mask
        if len(wires) == 1:
            wire = wires[0]
            cone |= needed.get(wire, 0)
        else:
            for wire in wires:
                cone |= (needed if mask >> wire & 1 else passed).get(wire, 0)
        if cone in gains:
            gains[cone] += mask.bit_count()
        elif cone != _NEVER and limits.allow(cone):
            gains[cone] = mask.bit_count()
            firsts[cone] = number
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
                needed[wire] = needed.get(wire, 0) | cone
    return gains, firsts


class _Trial:
    """Wires to which others are added.

    Attributes:
        active: the wires.
        gain: how many targets the movers have that they run.
    """

    # _gains: for each set of wires that movers still lack, how many targets these have.
    # _firsts: the first of these movers.
    # _front: what the movers in front lack. These are the least of the sets in _gains, and they
    #     are disjoint: each wire has at most one mover in front, all others there wait for it.
    # _near: of those that are cheap, what they gain per wire; of equals, the first mover decides.
    # _far: the same of the others.

    __slots__ = ("_far", "_firsts", "_front", "_gains", "_limits", "_near", "active", "gain")

    def __init__(self, gains: dict[int, int], firsts: dict[int, int], limits: _Limits) -> None:
        self._gains = gains
        self._firsts = firsts
        self._limits = limits
        self._front = 0
        self._near: dict[int, tuple[float, int]] = {}
        self._far: dict[int, tuple[float, int]] = {}
        self.active = 0
        self.gain = 0
        self._look(gains)

    def front(self) -> list[int]:
        """What the movers in front lack."""
        return [*self._near, *self._far]

    def grow(self) -> None:
        """Add wires as long as it pays."""
        near, far = self._near, self._far
        limits = self._limits
        sure, fits = limits.sure, limits.fits
        while True:
            best = 0
            while near:
                best = max(near, key=near.__getitem__)
                wires = self.active | best
                if wires.bit_count() <= sure or fits(wires):
                    break
                del near[best]
                best = 0
            if not best and far:
                best = self._worth()
            if not best:
                return
            self.take(best)

    def _worth(self) -> int:
        """The best of the wires that are not cheap, if they are worth it; else 0."""
        limits = self._limits
        known = limits.cheap | self.active
        # They must gain at least half as much for their price as all so far.
        rate = 0.5 * self.gain / price(known, limits.least)
        for lack in sorted(self._far, key=self._far.__getitem__, reverse=True):
            if not limits.allow(self.active | lack):
                del self._far[lack]
            elif (self.gain + self._gains[lack]) / price(known | lack, limits.least) >= rate:
                return lack
        return 0

    def take(self, more: int) -> None:
        """Add the wires ``more``, which movers in front lack."""
        gains, firsts = self._gains, self._firsts
        self.active |= more
        self._front ^= more
        if self._near.pop(more, None) is None:
            del self._far[more]
        changed = set()
        for lack in [lack for lack in gains if lack & more]:
            gain = gains.pop(lack)
            first = firsts.pop(lack)
            rest = lack & ~more
            if not rest:
                self.gain += gain
                continue
            changed.add(rest)
            if rest in gains:
                gains[rest] += gain
                if first < firsts[rest]:
                    firsts[rest] = first
            else:
                gains[rest] = gain
                firsts[rest] = first
        self._look(changed)

    def _look(self, lacks: Iterable[int]) -> None:
        """Note which of ``lacks`` are in front, and what they gain."""
        known = self._limits.cheap | self.active
        near, far = self._near, self._far
        for lack in sorted(lacks, key=int.bit_count):
            if lack & self._front:
                if lack not in near and lack not in far:
                    continue
            else:
                self._front |= lack
            value = (self._gains[lack] / lack.bit_count(), -self._firsts[lack])
            (far if lack & ~known else near)[lack] = value


def price(wires: int, least: float) -> float:
    """What a pass costs that writes a vector over ``wires``, in amplitudes."""
    return 2.0 ** wires.bit_count() + least


def mask_of(wires: Iterable[int]) -> int:
    """The integer whose bit ``w`` is set for each wire ``w``."""
    mask = 0
    for wire in wires:
        mask |= 1 << wire
    return mask


def wires_of(mask: int) -> set[int]:
    """The wires of a mask."""
    wires = set()
    while mask:
        lowest = mask & -mask
        wires.add(lowest.bit_length() - 1)
        mask ^= lowest
    return wires
