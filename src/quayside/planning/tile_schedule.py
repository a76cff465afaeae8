"""Which blocks run in which pass: the search of the tiled planner.

Two blocks commute where, on every wire that they share, both are diagonal; otherwise they keep
their order. A pass with a set of active wires can run every block whose targets are active and
whose predecessors have run. Diagonals and controls may look at any wire.

Between two passes the write-back may put any wires of the tile at the lowest storage bits, and the
next tile must hold the wires at the lowest ``low`` bits. So consecutive sets of active wires share
at least ``low`` wires, and that is the only bond between them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from quayside.planning.tile_blocks import Block

__all__ = ["Step", "make_steps", "mask_of", "wires_of"]


@dataclass(slots=True, eq=False)
class Step:
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


class _Graph:
    """Which blocks wait for which, and how far the run has come."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        count = len(blocks)
        self.targets = [mask_of(block.targets) for block in blocks]
        self.successors: list[list[int]] = [[] for _ in range(count)]
        self.waiting = [0] * count
        last: dict[int, int] = {}
        since: dict[int, list[int]] = {}  # the blocks diagonal on a wire, since last[wire]
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
        self.movers = sum(1 for mask in self.targets if mask)  # not finished yet

    def finish(self, number: int) -> None:
        """Take a ready block off; its successors no longer wait for it."""
        self.ready.remove(number)
        self.movers -= self.targets[number] != 0
        for later in self.successors[number]:
            self.waiting[later] -= 1
            if not self.waiting[later]:
                self.ready.add(later)


class _Trial:
    """What a tile could run: a graph's state with some blocks finished in thought."""

    def __init__(self, graph: _Graph) -> None:
        self.graph = graph
        self.left: dict[int, int] = {}  # how many others a block still waits for, where changed
        self.front = set(graph.ready)

    def reach(self, active: int) -> tuple[int, dict[int, int], list[int], list[int]]:
        """What runs beyond this trial with the wires ``active``.

        Returns the gain, and what :meth:`take` needs.
        """
        targets = self.graph.targets
        successors = self.graph.successors
        waiting = self.graph.waiting
        left: dict[int, int] = {}
        stack = [number for number in self.front if not targets[number] & ~active]
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
                    count = self.left.get(later, waiting[later])
                left[later] = count - 1
                if count == 1:
                    if targets[later] & ~active:
                        arrived.append(later)
                    else:
                        stack.append(later)
        return gain, left, done, arrived

    def take(self, left: dict[int, int], done: list[int], arrived: list[int]) -> None:
        """Finish in thought what :meth:`reach` found."""
        self.left.update(left)
        self.front.difference_update(done)
        self.front.update(arrived)


def make_steps(blocks: Sequence[Block], order: Sequence[int], tile: int, low: int) -> list[Step]:
    """Passes that run all ``blocks`` on a state whose storage bit ``p`` is wire ``order[p]``."""
    graph = _Graph(blocks)
    steps: list[Step] = []
    current = list(order)
    while graph.movers:
        last = steps[-1] if steps and not steps[-1].wide else None
        active = _choose(graph, current, last, tile, low)
        stages = _run(graph, mask_of(active))
        if stages:
            active = _join(last, current, active, tile, low)
            current = last.after if last else current
            grown = current + sorted(active.difference(current))
            steps.append(Step(current, grown, active, stages, grown))
            current = grown
            continue
        # Only blocks on more wires than a tile has are left to start with.
        if not any(graph.targets[number] for number in graph.ready):
            _flush(graph, steps, current, tile, low)
        if last is not None:
            _fill(last, set(), tile)
        number = min(number for number in graph.ready if graph.targets[number])
        graph.finish(number)
        grown = current + sorted(set(blocks[number].targets).difference(current))
        steps.append(Step(current, grown, set(), [number], grown, wide=True))
        current = grown
    if graph.ready:
        _flush(graph, steps, current, tile, low)
    if steps and not steps[-1].wide:
        _fill(steps[-1], set(), tile)
    return steps


def _flush(graph: _Graph, steps: list[Step], current: list[int], tile: int, low: int) -> None:
    """Run the diagonals that are ready in the last tile, or in one of their own."""
    if not steps or steps[-1].wide:
        step = Step(current, current, set(current[:low]), [], current)
        _fill(step, set(), tile)
        steps.append(step)
    diagonals = sorted(number for number in graph.ready if not graph.targets[number])
    steps[-1].stages.append(diagonals)
    for number in diagonals:
        graph.finish(number)


def _choose(
    graph: _Graph, current: Sequence[int], last: Step | None, tile: int, low: int
) -> set[int]:
    """The wires that the next tile must hold, chosen to finish the most; perhaps not a full tile.

    Wires are added greedily: each time those, among what some block in front still lacks, that
    bring the most per wire.
    """
    stored = mask_of(current)
    share = min(low, len(current))
    held = mask_of(last.active if last else current[:low])
    free = min(tile, len(current)) - len(last.active) if last else 0

    def fits(active: int) -> bool:
        # Free places of the last tile can still be given to stored wires of this one.
        shared = (active & held).bit_count()
        shared += min(free, (active & stored & ~held).bit_count())
        return max(share - shared, 0) + active.bit_count() <= tile

    trial = _Trial(graph)
    trial.take(*trial.reach(0)[1:])
    active = 0
    while True:
        best = None
        best_rate = 0.0
        seen = set()
        for number in sorted(trial.front):
            more = graph.targets[number] & ~active
            if more in seen or not fits(active | more):
                continue
            seen.add(more)
            reached = trial.reach(active | more)
            rate = reached[0] / more.bit_count()
            if rate > best_rate:
                best, best_rate = (more, reached), rate
        if best is None:
            return wires_of(active)
        active |= best[0]
        trial.take(*best[1][1:])


def _run(graph: _Graph, active: int) -> list[int | list[int]]:
    """Finish all that the tile ``active`` can run; diagonals only where something waits for them.

    So diagonals gather, and one stage applies many.
    """
    stages: list[int | list[int]] = []
    while True:
        movers = sorted(
            n for n in graph.ready if graph.targets[n] and not graph.targets[n] & ~active
        )
        for number in movers:
            stages.append(number)
            graph.finish(number)
        if movers:
            continue
        diagonals = sorted(n for n in graph.ready if not graph.targets[n])
        freed: dict[int, int] = {}
        for number in diagonals:
            for later in graph.successors[number]:
                freed[later] = freed.get(later, 0) + 1
        if not any(
            graph.waiting[later] == count and not graph.targets[later] & ~active
            for later, count in freed.items()
        ):
            return stages
        stages.append(diagonals)
        for number in diagonals:
            graph.finish(number)


def _fill(step: Step, wanted: set[int], tile: int) -> None:
    """Complete the step's tile: with ``wanted`` wires first, then those at the lowest bits."""
    missing = min(tile, len(step.grown)) - len(step.active)
    spare = [wire for wire in step.grown if wire not in step.active]
    spare.sort(key=lambda wire: wire not in wanted)
    step.active.update(spare[:missing])


def _join(
    last: Step | None, current: Sequence[int], active: set[int], tile: int, low: int
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
