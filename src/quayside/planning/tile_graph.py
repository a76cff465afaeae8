"""Which blocks wait for which, and what a set of wires can run.

Two blocks commute where, on every wire that they share, both are diagonal; otherwise they keep
their order. A set of *active* wires can run a block when its targets are active and all that it
waits for has run. Diagonals and controls may look at any wire.

Sets of wires are integers here: bit ``w`` is wire ``w``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from quayside.planning.tile_blocks import Block

__all__ = ["Graph", "Trial", "grow", "mask_of", "run", "wires_of"]


class Graph:
    """The blocks' order, and how far a run of them has come.

    Attributes:
        targets: for each block, the wires along which it moves amplitudes.
        successors: for each block, those that wait for it.
        waiting: for each block, for how many it still waits.
        ready: the blocks that have not run and wait for none.
        movers: how many blocks with targets have not run.
    """

    def __init__(self, blocks: Sequence[Block]) -> None:
        count = len(blocks)
        self.targets = [0 if b.kind == "diagonal" else mask_of(b.wires) for b in blocks]
        self.successors: list[list[int]] = [[] for _ in range(count)]
        self.waiting = [0] * count
        last: dict[int, int] = {}
        since: dict[int, list[int]] = {}  # the blocks diagonal on a wire, after last[wire]
        for number, block in enumerate(blocks):
            earlier: set[int] = set()
            for wire in block.targets:
                run = since.pop(wire, None)
                if run:
                    earlier.update(run)
                elif wire in last:
                    earlier.add(last[wire])
                last[wire] = number
            for wire in block.watched:
                if wire in last:
                    earlier.add(last[wire])
                since.setdefault(wire, []).append(number)
            for other in earlier:
                self.successors[other].append(number)
            self.waiting[number] = len(earlier)
        self.ready = {number for number in range(count) if not self.waiting[number]}
        self.movers = sum(1 for mask in self.targets if mask)

    def copy(self) -> Graph:
        """A graph of its own that has come as far."""
        other = Graph.__new__(Graph)
        other.targets = self.targets
        other.successors = self.successors
        other.waiting = list(self.waiting)
        other.ready = set(self.ready)
        other.movers = self.movers
        return other

    def finish(self, number: int) -> None:
        """Take a ready block off; its successors no longer wait for it."""
        self.ready.remove(number)
        self.movers -= self.targets[number] != 0
        for later in self.successors[number]:
            self.waiting[later] -= 1
            if not self.waiting[later]:
                self.ready.add(later)


class Trial:
    """What some active wires could run: a graph whose run goes on in thought."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._left: dict[int, int] = {}  # for how many a block still waits, where that changed
        self.front = set(graph.ready)

    def copy(self) -> Trial:
        """A trial of its own that has come as far."""
        other = Trial.__new__(Trial)
        other.graph = self.graph
        other._left = dict(self._left)
        other.front = set(self.front)
        return other

    def reach(self, active: int) -> tuple[int, dict[int, int], list[int], list[int]]:
        """What runs beyond this trial with the wires ``active``.

        Returns the gain (for each block that runs, the number of its targets), and the arguments
        of :meth:`take`.
        """
        targets = self.graph.targets
        successors = self.graph.successors
        waiting = self.graph.waiting
        base = self._left
        left: dict[int, int] = {}
        outside = ~active
        stack = [number for number in self.front if not targets[number] & outside]
        done = []
        arrived = []
        gain = 0
        while stack:
            number = stack.pop()
            done.append(number)
            gain += targets[number].bit_count()
            for later in successors[number]:
                count = left.get(later)
                if count is None:
                    count = base.get(later)
                    if count is None:
                        count = waiting[later]
                left[later] = count - 1
                if count == 1:
                    if targets[later] & outside:
                        arrived.append(later)
                    else:
                        stack.append(later)
        return gain, left, done, arrived

    def take(self, left: dict[int, int], done: list[int], arrived: list[int]) -> None:
        """Go on by what :meth:`reach` found."""
        self._left.update(left)
        self.front.difference_update(done)
        self.front.update(arrived)


def grow(
    graph: Graph,
    fits: Callable[[int], bool],
    price: Callable[[int], float] | None = None,
    starts: int = 1,
) -> int:
    """A set of wires that runs much for its price, as long as it ``fits``; 0 if none does.

    Wires are added greedily: each time those, among what some block in front still lacks, that
    bring the most per wire. Wires that make the pass dearer are added last, and only where the
    gain grows at least half as fast as the price. With several ``starts``, the search also begins
    with the targets of the first blocks in front, and the set with the most gain per price wins.
    """
    base = Trial(graph)
    base.take(*base.reach(0)[1:])
    first = [0]
    for number in sorted(base.front):
        if len(first) >= starts:
            break
        if graph.targets[number] not in first and fits(graph.targets[number]):
            first.append(graph.targets[number])
    best, best_value = 0, -1.0
    for start in first:
        active, gain = _grow_from(base if starts == 1 else base.copy(), start, fits, price)
        value = gain / price(active) if price else float(gain)
        if value > best_value:
            best, best_value = active, value
    return best


def _grow_from(
    trial: Trial, active: int, fits: Callable[[int], bool], price: Callable[[int], float] | None
) -> tuple[int, int]:
    """The wires that greed adds to ``active``, and what all of them run."""
    targets = trial.graph.targets
    gain = 0
    paid = price(active) if price else 1.0
    if active:
        reached = trial.reach(active)
        gain = reached[0]
        trial.take(*reached[1:])
    while True:
        best = None
        best_key = (False, 0.0)
        seen = set()
        for number in sorted(trial.front):
            more = targets[number] & ~active
            if more in seen or not fits(active | more):
                continue
            seen.add(more)
            cost = price(active | more) if price else 1.0
            dearer = cost > paid
            if dearer and best_key[0]:
                continue
            reached = trial.reach(active | more)
            if dearer and (gain + reached[0]) / cost < 0.5 * gain / paid:
                continue
            key = (not dearer, reached[0] / more.bit_count())
            if key > best_key:
                best, best_key = (more, reached, cost), key
        if best is None:
            return active, gain
        more, reached, paid = best
        active |= more
        gain += reached[0]
        trial.take(*reached[1:])


def run(graph: Graph, active: int) -> list[int | list[int]]:
    """Run all that the wires ``active`` can; diagonals only where such a block waits for them.

    So diagonals gather, and one stage applies many. The result has the numbers of blocks in
    order: one block that moves amplitudes, or a list of diagonals to be applied together.
    """
    stages: list[int | list[int]] = []
    targets = graph.targets
    while True:
        movers = sorted(n for n in graph.ready if targets[n] and not targets[n] & ~active)
        for number in movers:
            stages.append(number)
            graph.finish(number)
        if movers:
            continue
        diagonals = sorted(n for n in graph.ready if not targets[n])
        freed: dict[int, int] = {}
        for number in diagonals:
            for later in graph.successors[number]:
                freed[later] = freed.get(later, 0) + 1
        if not any(
            graph.waiting[later] == count and not targets[later] & ~active
            for later, count in freed.items()
        ):
            return stages
        stages.append(diagonals)
        for number in diagonals:
            graph.finish(number)


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
