"""Which blocks wait for which, and which wires run the most of them.

Two blocks commute where, on every wire that they share, both are diagonal; otherwise they keep
their order. A set of *active* wires can run a block when its targets are active and all that it
waits for has run. Diagonals and controls may look at any wire, so diagonals never wait for the
active wires, nor for each other: only *movers*, which move amplitudes along their targets, are
searched over, and a mover waits for the movers before a diagonal that stands before it.

Sets of wires are integers here: bit ``w`` is wire ``w``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from quayside.planning.tile_blocks import Blocks

__all__ = ["Graph", "Search", "mask_of", "wires_of"]


class Graph:
    """The order among the movers of some blocks.

    Attributes:
        targets: for each block, the wires along which it moves amplitudes.
        watched: for each block, the wires on which it is diagonal.
        weight: for each block, the number of its targets.
        successors: for each block, the movers that wait for it; none for diagonals.
        waiting: for each mover, for how many movers it waits.
        first: the movers that wait for none.
    """

    __slots__ = ("first", "successors", "targets", "waiting", "watched", "weight")

    def __init__(self, blocks: Blocks) -> None:
        count = len(blocks)
        self.targets = targets = [0] * count
        self.watched = watched = [0] * count
        self.weight = weight = [0] * count
        self.successors: list[list[int]] = [[] for _ in range(count)]
        self.waiting = waiting = [0] * count
        self.first: list[int] = []
        successors = self.successors
        # By wire: the last mover, and all that the next one waits for. -1 stands for none.
        last: dict[int, int] = {}
        since: dict[int, set[int]] = {}
        for number, (act, wires) in enumerate(zip(blocks.acts, blocks.wires, strict=True)):
            total = act.total
            for wire in wires:
                if wire not in last:
                    last[wire] = -1
                    since[wire] = {-1}
            if not act.moves:
                if total == 2:
                    one, two = wires
                    watched[number] = 1 << one | 1 << two
                    since[one].add(last[two])
                    since[two].add(last[one])
                elif total == 1:
                    watched[number] = 1 << wires[0]
                else:
                    watched[number] = mask_of(wires)
                    before = {last[wire] for wire in wires}
                    for wire in wires:
                        since[wire] |= before
                continue
            if total == 1:
                wire = wires[0]
                targets[number] = 1 << wire
                weight[number] = 1
                earlier = since[wire]
                since[wire] = {number}
                last[wire] = number
            else:
                size = act.size
                weight[number] = size
                earlier = set()
                mask = 0
                for wire in wires[:size]:
                    mask |= 1 << wire
                    earlier |= since[wire]
                    since[wire] = {number}
                    last[wire] = number
                targets[number] = mask
                if size < total:
                    mask = 0
                    for wire in wires[size:]:
                        mask |= 1 << wire
                        earlier.add(last[wire])
                        since[wire].add(number)
                    watched[number] = mask
            earlier.discard(-1)
            if earlier:
                waiting[number] = len(earlier)
                for other in earlier:
                    successors[other].append(number)
            else:
                self.first.append(number)


class _Reach(NamedTuple):
    """What some more wires would run: the movers, and what that changes.

    Attributes:
        gain: for each mover that runs, the number of its targets.
        left: for how many each mover then waits, where that changes.
        done: the movers that run.
        arrived: those that then wait for wires alone.
        touched: the wires asked for, and the targets of the movers in ``left``.
    """

    gain: int
    left: dict[int, int]
    done: list[int]
    arrived: list[int]
    touched: int


class Search:
    """How far a run has come, and the search for the wires to go on with.

    Attributes:
        graph: the order of the movers.
        front: the movers that have not run and wait for none.
    """

    __slots__ = ("_active", "_lacks", "_reaches", "_waiting", "front", "graph")

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._waiting = list(graph.waiting)
        self.front = set(graph.first)
        # While wires are added: those so far; for each set of wires that movers in front still
        # lack, these movers; and what each set would run, as far as that is known.
        self._active = 0
        self._lacks: dict[int, list[int]] = {}
        self._reaches: dict[int, _Reach] = {}

    def copy(self) -> Search:
        """One of its own that has come as far."""
        other = Search.__new__(Search)
        other.graph = self.graph
        other._waiting = list(self._waiting)
        other.front = set(self.front)
        other._active = self._active
        other._lacks = {lack: list(movers) for lack, movers in self._lacks.items()}
        other._reaches = dict(self._reaches)
        return other

    def finish(self, number: int) -> None:
        """Take a mover in front off."""
        self.front.remove(number)
        for later in self.graph.successors[number]:
            self._waiting[later] -= 1
            if not self._waiting[later]:
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
        targets = self.graph.targets
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
        best, best_value = self, -1.0
        for start in first:
            other = self.copy()
            gain = other._grow(start, limit, fits, cheap, least)
            value = gain / _price(cheap | other._active, least)
            if value > best_value:
                best, best_value = other, value
        self._waiting = best._waiting
        self.front = best.front
        return best._active

    def _grow(
        self, start: int, limit: int, fits: Callable[[int], bool], cheap: int, least: float
    ) -> int:
        """Add wires to ``start``; returns the gain of all."""
        gain = 0
        if start:
            reach = self._reach(start)
            gain = reach.gain
            cheap |= start
            self._take(start, reach)
        lacks, reaches = self._lacks, self._reaches
        while True:
            active = self._active
            best, best_value, best_first = 0, 0.0, -1
            dear = []
            for lack, movers in list(lacks.items()):
                wires = active | lack
                if wires.bit_count() > limit and not fits(wires):
                    del lacks[lack]
                    continue
                if lack & ~cheap:
                    dear.append(lack)
                    continue
                reach = reaches.get(lack) or self._reach(lack)
                value = reach.gain / lack.bit_count()
                if value > best_value or (value == best_value and movers[0] < best_first):
                    best, best_value, best_first = lack, value, movers[0]
            if not best and dear:
                paid = _price(cheap | active, least)
                for lack in dear:
                    reach = reaches.get(lack) or self._reach(lack)
                    if (gain + reach.gain) / _price(cheap | active | lack, least) < (
                        0.5 * gain / paid
                    ):
                        continue
                    value = reach.gain / lack.bit_count()
                    movers = lacks[lack]
                    if value > best_value or (value == best_value and movers[0] < best_first):
                        best, best_value, best_first = lack, value, movers[0]
            if not best:
                return gain
            reach = reaches[best]
            gain += reach.gain
            # What was added is paid for.
            cheap |= best
            self._take(best, reach)

    def _reach(self, more: int) -> _Reach:
        """What runs with the wires ``more`` besides those that are active."""
        targets = self.graph.targets
        successors = self.graph.successors
        weight = self.graph.weight
        waiting = self._waiting
        outside = ~(self._active | more)
        if more & (more - 1):
            stack = []
            for lack, movers in self._lacks.items():
                if not lack & ~more:
                    stack += movers
        else:
            stack = list(self._lacks.get(more, ()))
        left: dict[int, int] = {}
        done = []
        arrived = []
        gain = 0
        touched = more
        while stack:
            number = stack.pop()
            done.append(number)
            gain += weight[number]
            for later in successors[number]:
                count = left.get(later)
                if count is None:
                    count = waiting[later]
                    touched |= targets[later]
                left[later] = count - 1
                if count == 1:
                    if targets[later] & outside:
                        arrived.append(later)
                    else:
                        stack.append(later)
        reach = self._reaches[more] = _Reach(gain, left, done, arrived, touched)
        return reach

    def _take(self, more: int, reach: _Reach) -> None:
        """Make the wires ``more`` active, and run what they reach."""
        targets = self.graph.targets
        waiting = self._waiting
        for number, count in reach.left.items():
            waiting[number] = count
        self.front.difference_update(reach.done)
        self.front.update(reach.arrived)
        self._active |= more
        outside = ~self._active
        lacks = self._lacks
        # Another reach stays as it is unless a mover that it looked at waits for fewer movers or
        # wires now, or a mover in front lacks less: then they share wires.
        changed = reach.touched
        for lack in [lack for lack in lacks if lack & more]:
            movers = lacks.pop(lack)
            rest = lack & outside
            if rest:
                changed |= lack
                known = lacks.get(rest)
                lacks[rest] = sorted(known + movers) if known else movers
        for number in reach.arrived:
            rest = targets[number] & outside
            known = lacks.get(rest)
            lacks[rest] = sorted([*known, number]) if known else [number]
        reaches = self._reaches
        for lack in [lack for lack, found in reaches.items() if found.touched & changed]:
            del reaches[lack]


def _price(wires: int, least: float) -> float:
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
