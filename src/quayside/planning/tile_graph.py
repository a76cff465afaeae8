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
from functools import reduce
from operator import or_

from quayside.planning.tile_blocks import Blocks

__all__ = ["Graph", "choose", "mask_of", "wires_of", "worth_all"]


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
    trial = _Trial(cones, limits)
    if starts == 1:
        trial.grow()
        return trial.active
    best, best_value = 0, -1.0
    for start in [0, *trial.front()[: starts - 1]]:
        trial = _Trial({cone: list(entry) for cone, entry in cones.items()}, limits)
        if start:
            trial.take(start)
        trial.grow()
        value = trial.gain / prices[(cheap | trial.active).bit_count()]
        if value > best_value:
            best, best_value = trial.active, value
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
                needed[wire] = needed.get(wire, 0) | cone
    return cones


class _Trial:
    """Wires to which others are added.

    Attributes:
        active: the wires.
        gain: how many targets the movers have that they run.
    """

    # _cones: for each set of wires that movers still lack, how many targets they have, and the
    #     first of them.
    # _front: what the movers in front lack. These are the least of the sets in _cones, and they
    #     are disjoint: each wire has at most one mover in front, all others there wait for it.
    # _values: for each of those that may fit, whether it is cheap, and what it gains per wire; of
    #     equals, the first mover decides.

    __slots__ = ("_cones", "_front", "_limits", "_values", "active", "gain")

    def __init__(self, cones: dict[int, list[int]], limits: _Limits) -> None:
        self._cones = cones
        self._limits = limits
        self._front = 0
        self._values: dict[int, tuple[bool, float, int]] = {}
        self.active = 0
        self.gain = 0
        self._advance(list(cones))

    def front(self) -> list[int]:
        """What the movers in front lack, by the first mover."""
        return sorted(self._values, key=lambda lack: self._cones[lack][1])

    def grow(self) -> None:
        """Add wires as long as it pays."""
        values = self._values
        limits = self._limits
        sure, fits = limits.sure, limits.fits
        while values:
            best = max(values, key=values.__getitem__)
            if not values[best][0]:
                best = self._worth()
                if not best:
                    return
            else:
                wires = self.active | best
                if wires.bit_count() > sure and not fits(wires):
                    del values[best]
                    continue
            self.take(best)

    def _worth(self) -> int:
        """The best of wires that are not cheap, if any are worth it; else 0."""
        limits = self._limits
        known = limits.cheap | self.active
        # They must gain at least half as much for their price as all so far.
        prices = limits.prices
        rate = 0.5 * self.gain / prices[known.bit_count()]
        for lack in sorted(self._values, key=self._values.__getitem__, reverse=True):
            wires = self.active | lack
            if wires.bit_count() > limits.sure and not limits.fits(wires):
                del self._values[lack]
            elif (self.gain + self._cones[lack][0]) / prices[(known | lack).bit_count()] >= rate:
                return lack
        return 0

    def take(self, more: int) -> None:
        """Add the wires ``more``, which movers in front lack."""
        cones, values = self._cones, self._values
        self.active |= more
        self.gain += cones.pop(more)[0]
        del values[more]
        self._front = front = self._front ^ more
        keep = ~more
        room = self._limits.most - self.active.bit_count()
        advanced = []
        for lack in [lack for lack in cones if lack & more]:
            entry = cones.pop(lack)
            rest = lack & keep
            if rest.bit_count() > room:
                continue
            known = cones.get(rest)
            if known is None:
                cones[rest] = entry
                if not rest & front:
                    advanced.append(rest)
                continue
            known[0] += entry[0]
            if entry[1] < known[1]:
                known[1] = entry[1]
            if rest in values:
                cheap, _, _ = values[rest]
                values[rest] = (cheap, known[0] / rest.bit_count(), -known[1])
        if advanced:
            self._advance(advanced)

    def _advance(self, lacks: list[int]) -> None:
        """Note which of ``lacks`` movers in front lack now."""
        known = self._limits.cheap | self.active
        if len(lacks) > 1:
            lacks.sort(key=int.bit_count)
        for lack in lacks:
            if not lack & self._front:
                self._front |= lack
                gain, first = self._cones[lack]
                self._values[lack] = (not lack & ~known, gain / lack.bit_count(), -first)


def worth_all(wires: int, cheap: int, prices: Sequence[float]) -> bool:
    """Whether ``wires`` are worth their price together, whatever they gain.

    Then :func:`choose` would add all that fit, one after the other.
    """
    return not wires & ~cheap or (
        prices[(wires | cheap).bit_count()] <= 2 * prices[cheap.bit_count()]
    )


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
