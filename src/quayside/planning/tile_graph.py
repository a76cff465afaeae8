"""Which blocks wait for which, and which wires run the most of them.

Two blocks commute where, on every wire that they share, both are diagonal; otherwise they keep
their order. A set of *active* wires can run a block when its targets are active and all that it
waits for has run. Diagonals and controls may look at any wire, so diagonals never wait for the
active wires, nor for each other: only *movers*, which move amplitudes along their targets, are
searched over, and a mover waits for the movers before a diagonal that stands before it.

Sets of wires are integers here: bit ``w`` is wire ``w``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import TypeAlias

from quayside.planning.tile_blocks import Blocks

__all__ = ["Graph", "Search", "mask_of", "price", "wires_of"]


class Graph:
    """The blocks as the search sees them.

    Attributes:
        targets: for each block, the wires along which it moves amplitudes.
        watched: for each block, the wires on which it is diagonal.
        union: the targets of all.
    """

    __slots__ = ("_blocks", "_order", "targets", "union", "watched")

    def __init__(self, blocks: Blocks) -> None:
        self._blocks = blocks
        self._order: _Order | None = None
        targets = []
        watched = []
        union = 0
        for act, wires in zip(blocks.acts, blocks.wires, strict=True):
            if act.total == 1:
                mask = 1 << wires[0]
                seen = 0
            elif act.total == 2:
                one, two = wires
                if act.controls:
                    mask = 1 << one
                    seen = 1 << two
                else:
                    mask = 1 << one | 1 << two
                    seen = 0
            else:
                mask = mask_of(wires[: act.size])
                seen = mask_of(wires[act.size :])
            if act.moves:
                union |= mask
            else:
                mask, seen = 0, mask | seen
            targets.append(mask)
            watched.append(seen)
        self.targets = targets
        self.watched = watched
        self.union = union

    def order(self) -> _Order:
        """The order among the movers."""
        if self._order is None:
            self._order = _Order(self._blocks, self.targets)
        return self._order


class _Order:
    """Which movers wait for which. Sets of movers are integers too.

    Attributes:
        bit: for each mover, itself as a set.
        before: for each mover, those that it waits for.
        after: for each mover, those that wait for it.
        ahead: for each mover, the targets of those.
        first: the movers that wait for none.
    """

    __slots__ = ("after", "ahead", "before", "bit", "first")

    def __init__(self, blocks: Blocks, targets: list[int]) -> None:
        count = len(blocks)
        self.bit = bit = [0] * count
        self.before = before = [0] * count
        self.after: list[list[int]] = [[] for _ in range(count)]
        self.ahead = ahead = [0] * count
        self.first: list[int] = []
        after = self.after
        # By wire: the last mover, and all that the next one waits for. -1 stands for none.
        last: defaultdict[int, int] = defaultdict(_none)
        since: defaultdict[int, set[int]] = defaultdict(set)
        for number, (act, wires) in enumerate(zip(blocks.acts, blocks.wires, strict=True)):
            if not act.moves:
                if act.total == 2:
                    one, two = wires
                    since[one].add(last[two])
                    since[two].add(last[one])
                elif act.total > 2:
                    earlier = {last[wire] for wire in wires}
                    for wire in wires:
                        since[wire] |= earlier
                continue
            bit[number] = 1 << number
            if act.total == 1:
                wire = wires[0]
                earlier = since[wire]
                since[wire] = {number}
                last[wire] = number
            else:
                earlier = set()
                for wire in wires[: act.size]:
                    earlier |= since[wire]
                    since[wire] = {number}
                    last[wire] = number
                for wire in wires[act.size :]:
                    earlier.add(last[wire])
                    since[wire].add(number)
            earlier.discard(-1)
            if not earlier:
                self.first.append(number)
                continue
            waits = 0
            mask = targets[number]
            for other in earlier:
                # What another that is waited for waits for itself need not be waited for: this
                # keeps apart what has little to do with each other.
                if len(earlier) > 3 and not earlier.isdisjoint(after[other]):
                    continue
                waits |= bit[other]
                ahead[other] |= mask
                after[other].append(number)
            before[number] = waits


def _none() -> int:
    return -1


_Reach: TypeAlias = tuple[int, int, list[int], list[int], int]
"""What some more wires would run: the gain (for each mover that runs, the number of its targets);
the movers that run, as a set and as a list; those that then wait for wires alone; and the wires
asked for, with the targets of all movers that wait for one that runs."""


class Search:
    """How far a run has come, and the search for the wires to go on with.

    Attributes:
        front: the movers that have not run and wait for none.
    """

    __slots__ = ("_active", "_graph", "_lacks", "_left", "_order", "_reaches", "front")

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._order = graph.order()
        self._left = (1 << len(graph.targets)) - 1
        self.front = set(self._order.first)
        # While wires are added: those so far; for each set of wires that movers in front still
        # lack, these movers; and what each set would run, as far as that is known.
        self._active = 0
        self._lacks: dict[int, list[int]] = {}
        self._reaches: dict[int, _Reach] = {}

    def _copy(self) -> Search:
        """One of its own that has come as far, to add wires."""
        other = Search.__new__(Search)
        other._graph = self._graph
        other._order = self._order
        other._left = self._left
        other.front = set(self.front)
        other._active = self._active
        other._lacks = {lack: list(movers) for lack, movers in self._lacks.items()}
        other._reaches = dict(self._reaches)
        return other

    def finish(self, number: int) -> None:
        """Take a mover in front off."""
        self.front.remove(number)
        self._left ^= self._order.bit[number]
        for later in self._order.after[number]:
            if not self._order.before[later] & self._left:
                self.front.add(later)

    def grow(
        self, limit: int, fits: Callable[[int], bool], cheap: int, least: float, starts: int = 1
    ) -> int:
        """Find wires that run much for their price, and run all that they can.

        Returns the wires; 0 if there are none that ``fits`` allows and that run anything.
        Up to ``limit`` wires always fit, and what does not fit does not with more wires either.
        The price is that of a vector over the wires ``cheap`` and those found: ``least`` more
        than the number of its amplitudes.

        Wires are added greedily: each time those, among what some mover in front still lacks, that
        run the most per wire. Wires that are not ``cheap`` are added last, and only where the gain
        grows at least half as fast as the price. With several ``starts``, the search also begins
        with the targets of the first movers in front, and what gains most per price wins.
        """
        targets = self._graph.targets
        self._active = 0
        self._reaches = {}
        lacks: dict[int, list[int]] = {}
        self._lacks = lacks
        for number in sorted(self.front):
            lacks.setdefault(targets[number], []).append(number)
        if starts == 1:
            self._grow(0, limit, fits, cheap, least)
            return self._active
        first = [0]
        for lack in lacks:
            if len(first) >= starts:
                break
            if lack.bit_count() <= limit or fits(lack):
                first.append(lack)
        for lack in lacks:
            self._reach(lack)
        best, best_value = self, -1.0
        for start in first:
            other = self._copy()
            gain = other._grow(start, limit, fits, cheap, least)
            value = gain / price(cheap | other._active, least)
            if value > best_value:
                best, best_value = other, value
        self._left = best._left
        self.front = best.front
        return best._active

    def _grow(
        self, start: int, limit: int, fits: Callable[[int], bool], cheap: int, least: float
    ) -> int:
        """Add wires to ``start``; returns the gain of all."""
        gain = 0
        lacks, reaches = self._lacks, self._reaches
        if start:
            gain = self._reach(start)[0]
            self._take(start)
            cheap |= start
        # What each set of wires in ``lacks`` gains, apart for those that are cheap and those that
        # are not, and those that must be looked at again. Of equal gains, the first mover decides.
        near: dict[int, tuple[float, int]] = {}
        far: dict[int, tuple[float, int]] = {}
        fresh: set[int] = set(lacks)
        fresh_far: set[int] = set()
        while True:
            active = self._active
            for lack in fresh:
                if lack & ~cheap:
                    fresh_far.add(lack)
                elif (active | lack).bit_count() <= limit or fits(active | lack):
                    reach = reaches.get(lack) or self._reach(lack)
                    near[lack] = (reach[0] / lack.bit_count(), -lacks[lack][0])
                else:
                    del lacks[lack]
            best = 0
            while near and not best:
                best = max(near, key=near.__getitem__)
                if (active | best).bit_count() > limit and not fits(active | best):
                    del near[best], lacks[best]
                    best = 0
            if not best:
                for lack in fresh_far:
                    if (active | lack).bit_count() <= limit or fits(active | lack):
                        reach = reaches.get(lack) or self._reach(lack)
                        far[lack] = (reach[0] / lack.bit_count(), -lacks[lack][0])
                    else:
                        del lacks[lack]
                fresh_far.clear()
                # It must gain at least half as much for its price as all so far.
                rate = 0.5 * gain / price(cheap | active, least)
                for lack in sorted(far, key=far.__getitem__, reverse=True):
                    wires = active | lack
                    if wires.bit_count() > limit and not fits(wires):
                        del far[lack], lacks[lack]
                    elif (gain + reaches[lack][0]) / price(cheap | wires, least) >= rate:
                        best = lack
                        break
                if not best:
                    return gain
            gain += reaches[best][0]
            # What was added is paid for.
            cheap |= best
            fresh = self._take(best)
            for lack in near.keys() & fresh:
                del near[lack]
            for lack in far.keys() & fresh:
                del far[lack]
            fresh_far &= lacks.keys()
            fresh &= lacks.keys()

    def _reach(self, more: int) -> _Reach:
        """What runs with the wires ``more`` besides those that are active."""
        targets = self._graph.targets
        order = self._order
        after, before, ahead, bit = order.after, order.before, order.ahead, order.bit
        outside = ~(self._active | more)
        stack = list(self._lacks.get(more, ()))
        if more & (more - 1):
            for lack, movers in self._lacks.items():
                if not lack & ~more and lack != more:
                    stack += movers
        left = self._left
        done = []
        arrived = []
        gain = 0
        touched = more
        while stack:
            number = stack.pop()
            done.append(number)
            gain += targets[number].bit_count()
            left ^= bit[number]
            touched |= ahead[number]
            for later in after[number]:
                if not before[later] & left:
                    if targets[later] & outside:
                        arrived.append(later)
                    else:
                        stack.append(later)
        reach = self._reaches[more] = (gain, self._left ^ left, done, arrived, touched)
        return reach

    def _take(self, more: int) -> set[int]:
        """Make the wires ``more`` active, and run what they reach.

        Returns the sets of wires about which nothing is known any more, and some that no mover
        lacks any more.
        """
        targets = self._graph.targets
        _, ran, done, arrived, changed = self._reaches[more]
        self._left ^= ran
        self.front.difference_update(done)
        self.front.update(arrived)
        self._active |= more
        outside = ~self._active
        lacks = self._lacks
        fresh = set()
        # Another reach stays as it is unless a mover that it looked at waits for fewer movers or
        # wires now, or a mover in front lacks less: then they share wires.
        for lack in [lack for lack in lacks if lack & more]:
            movers = lacks.pop(lack)
            fresh.add(lack)
            rest = lack & outside
            if rest:
                changed |= lack
                fresh.add(rest)
                known = lacks.get(rest)
                lacks[rest] = sorted(known + movers) if known else movers
        for number in arrived:
            rest = targets[number] & outside
            fresh.add(rest)
            known = lacks.get(rest)
            lacks[rest] = sorted([*known, number]) if known else [number]
        reaches = self._reaches
        for lack in [lack for lack, found in reaches.items() if found[4] & changed]:
            fresh.add(lack)
            del reaches[lack]
        return fresh


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
