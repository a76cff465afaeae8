"""The outcomes of one event, drawn for all shots of a batch of branches.

Millions of shots are drawn, and sorted by outcome, a portion at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from simquay.engines.base import Engine, State
from simquay.execution.branching.batches import Branch, Child, Shots
from simquay.execution.branching.steps import Event, MisreadEvent
from simquay.execution.evolution import Run
from simquay.execution.readout import PORTION, shot_portions
from simquay.execution.sampling.randomness import Randomness
from simquay.execution.sampling.sampler import BLOCK_BITS, Distribution, Sampler

__all__ = ["children_of", "draw_outcomes", "known_weights"]

Outcomes: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]
Drawn: TypeAlias = tuple[int, Sequence[Shots], Outcomes, Floats]
"""A portion of :func:`draw_outcomes`."""

_WEIGHTS_AT_ONCE = 1 << 20
"""The most probabilities that are read at once, of all vectors together: 8 MiB."""

_FEW_DRAWS = 8
"""Up to so many draws for each branch, blocks of outcomes are picked first."""

_FEW_OUTCOMES = 32
"""Up to so many outcomes, comparing all draws with all of them is faster than searching."""


def known_weights(
    event: Event, engine: Engine, state: State | None, branches: Sequence[Branch]
) -> Floats | None:
    """The probabilities of the outcomes of ``event`` for each branch, shape ``(branches,
    outcomes)``; None for the joint probabilities of its qubits."""
    if isinstance(event, MisreadEvent):
        return event.recorded([branch.memory.bits for branch in branches])
    assert state is not None
    return event.weights(engine, state)


def draw_outcomes(
    run: Run,
    state: State | None,
    qubits: Sequence[int],
    branches: Sequence[Branch],
    known: Floats | None = None,
) -> Iterator[Drawn]:
    """The outcome of each shot of each branch, and its probability, in portions.

    Branch ``i`` has vector ``i`` of ``state``, and row ``i`` of the probabilities ``known``; where
    these are None, they are those of ``qubits``, which are stored. A branch has the outcomes that
    it would have in a batch by itself. The control is checked before each portion.

    Yields:
        One branch after the other: the number of the portion's first branch; the shots of that one
        and of those that follow it, or some of its shots; and two arrays of shape ``(shots,)``,
        outcomes and probabilities.
    """
    engine, randomness = run.engine, run.randomness
    sizes = [len(branch.shots) for branch in branches]
    for first, last in shot_portions(sizes, max(_WEIGHTS_AT_ONCE >> len(qubits), 1)):
        some = branches[first:last]
        if known is None and (len(some) == 1 or len(qubits) > BLOCK_BITS):
            assert state is not None
            quiet = run.control.section(0, 0)
            for number, branch in enumerate(some, first):
                one = state if len(branches) == 1 else engine.rows(state, number, number + 1)
                sampler = Sampler(engine, one, qubits)
                for shots in _parts(branch):
                    draws = randomness.of(branch.draw, shots)
                    yield number, [shots], *sampler.pick(draws, quiet)
            continue
        if known is not None:
            probabilities = known[first:last]
        else:
            assert state is not None
            vectors = state if len(some) == len(branches) else engine.rows(state, first, last)
            probabilities = engine.probabilities(vectors, qubits, {})
        numbers = [branch.draw for branch in some]
        together = [branch.shots for branch in some]
        for part in [together] if len(some) > 1 else [[shots] for shots in _parts(some[0])]:
            run.control.check()
            draws = _draws(numbers, part, randomness)
            yield first, part, *_pick_together(probabilities, [*map(len, part)], draws)


def _parts(branch: Branch) -> Iterator[Shots]:
    """The shots of a branch, at most ``PORTION`` at a time."""
    for start in range(0, len(branch.shots), PORTION):
        yield branch.shots[start : start + PORTION]


def _draws(events: Sequence[int], groups: Sequence[Shots], randomness: Randomness) -> Floats:
    """Draw ``events[i]`` of each shot of ``groups[i]``, one group after the other."""
    # Branches at the same step may have passed different numbers of events.
    return randomness.each(np.repeat(events, [*map(len, groups)]), np.concatenate(groups))


def _pick_together(
    probabilities: Floats, sizes: Sequence[int], draws: Floats
) -> tuple[Outcomes, Floats]:
    """Pick for ``sizes[i]`` draws by ``probabilities[i]``, as :class:`Sampler` does."""
    outcomes = np.zeros(len(draws), dtype=np.int64)
    if probabilities.shape[1] > _FEW_OUTCOMES:
        if len(draws) <= _FEW_DRAWS * len(sizes):
            return _pick_by_blocks(probabilities, sizes, draws)
        weights = np.empty(len(draws))
        start = 0
        for row, size in zip(probabilities, sizes, strict=True):
            part = slice(start, start + size)
            outcomes[part], _ = Distribution(row).locate(draws[part])
            weights[part] = row[outcomes[part]]
            start += size
        return outcomes, weights
    cumulative = np.cumsum(probabilities, axis=1)
    rows = np.repeat(np.arange(len(sizes)), sizes)
    levels = draws * cumulative[rows, -1]
    for column in cumulative.T:
        outcomes += column[rows] <= levels
    # As in Distribution.locate: a level may be rounded up to the sum itself.
    for draw in np.flatnonzero(outcomes == probabilities.shape[1]):
        outcomes[draw] = np.flatnonzero(probabilities[rows[draw]])[-1]
    return outcomes, probabilities[rows, outcomes]


def _pick_by_blocks(
    probabilities: Floats, sizes: Sequence[int], draws: Floats
) -> tuple[Outcomes, Floats]:
    """As :func:`_pick_together`, for few draws from each of many outcomes: first a block of
    outcomes is picked by its sum, and then one of them, so that most are only summed."""
    count, size = probabilities.shape
    width = 1 << size.bit_length() // 2
    blocks = probabilities.reshape(count, -1, width)
    cumulative = np.cumsum(blocks.sum(axis=2), axis=1)
    rows = np.repeat(np.arange(count), sizes)
    levels = draws * cumulative[rows, -1]
    block = _place(cumulative[rows], levels)
    levels -= np.where(block > 0, cumulative[rows, block - 1], 0.0)
    inside = np.cumsum(blocks[rows, block], axis=1)
    outcomes = block * width + _place(inside, np.maximum(levels, 0.0))
    return outcomes, probabilities[rows, outcomes]


def _place(cumulative: Floats, levels: Floats) -> Outcomes:
    """The first place of each row of cumulative weights that is above its level; where rounding
    leaves none, the last that has a weight."""
    last = (cumulative < cumulative[:, -1:]).sum(axis=1)
    places: Outcomes = np.minimum((cumulative <= levels[:, None]).sum(axis=1), last)
    return places


def children_of(branches: Sequence[Branch], drawn: Iterable[Drawn]) -> list[Child]:
    """A child for each outcome that a branch's shots have: by branch, then by outcome.

    ``drawn`` is that of :func:`draw_outcomes`. The shots of a child are in increasing order, as
    those of its branch are.
    """
    children: list[Child] = []
    for first, portions in groupby(drawn, itemgetter(0)):
        parts = [_by_outcome(*portion[1:]) for portion in portions]
        one = parts[0] if len(parts) == 1 else _joined(branches[first].shots, parts)
        starts = one.starts.tolist()
        children += [
            Child(first + row, outcome, weight, one.shots[low:high])
            for row, outcome, weight, low, high in zip(
                one.rows.tolist(),
                one.outcomes.tolist(),
                one.weights.tolist(),
                starts,
                [*starts[1:], len(one.shots)],
                strict=True,
            )
        ]
    return children


class _Sorted(NamedTuple):
    """Shots in the order of their branches and outcomes; and of each branch and outcome the
    branch's number in the portion, the outcome, its probability, and where its shots start."""

    shots: Shots
    rows: Shots
    outcomes: Outcomes
    weights: Floats
    starts: NDArray[np.int64]


def _by_outcome(groups: Sequence[Shots], outcomes: Outcomes, weights: Floats) -> _Sorted:
    if len(groups) == 1 and (outcomes == outcomes[0]).all():
        zero = np.zeros(1, dtype=np.int64)
        return _Sorted(groups[0], zero, outcomes[:1], weights[:1], zero)
    rows = np.repeat(np.arange(len(groups)), [*map(len, groups)])
    order = np.lexsort((outcomes, rows))  # stable
    ranked, rows, shots = outcomes[order], rows[order], np.concatenate(groups)[order]
    new = np.flatnonzero((np.diff(ranked) != 0) | (np.diff(rows) != 0)) + 1
    starts = np.concatenate([[0], new])
    return _Sorted(shots, rows[starts], ranked[starts], weights[order[starts]], starts)


def _joined(shots: Shots, parts: list[_Sorted]) -> _Sorted:
    """All ``shots`` of one branch, from its parts in order; the list is emptied, so that a part is
    gone when it is joined."""
    outcomes, first, places = np.unique(
        np.concatenate([part.outcomes for part in parts]), return_index=True, return_inverse=True
    )
    weights = np.concatenate([part.weights for part in parts])[first]
    sizes = [np.diff(part.starts, append=len(part.shots)) for part in parts]
    totals = np.zeros(len(outcomes), dtype=np.int64)
    np.add.at(totals, places, np.concatenate(sizes))
    starts = np.cumsum(totals) - totals
    if len(outcomes) > 1:
        shots, free = np.empty_like(shots), starts.copy()
        for where in np.split(places, np.cumsum([len(some) for some in sizes])[:-1]):
            part, some = parts.pop(0), sizes.pop(0)
            moved = np.repeat(free[where] - part.starts, some)
            shots[moved + np.arange(len(moved))] = part.shots
            free[where] += some
    return _Sorted(shots, np.zeros_like(totals), outcomes, weights, starts)
