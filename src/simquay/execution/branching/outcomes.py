"""The outcomes of one event, drawn for all shots of a batch of branches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from simquay.engines.base import State
from simquay.execution.branching.batches import Branch, Child, Shots
from simquay.execution.evolution import Run
from simquay.execution.randomness import Randomness
from simquay.execution.readout import PORTION
from simquay.execution.sampling import BLOCK_BITS, Distribution, Sampler

__all__ = ["children_of", "draw_outcomes"]

Outcomes: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]

_WEIGHTS_AT_ONCE = 1 << 20
"""The most probabilities that are read at once, of all vectors together: 8 MiB."""

_FEW_OUTCOMES = 32
"""Up to so many outcomes, comparing all draws with all of them is faster than searching."""


def draw_outcomes(
    run: Run,
    state: State,
    qubits: Sequence[int],
    branches: Sequence[Branch],
    known: Floats | None = None,
) -> tuple[Outcomes, Floats]:
    """The outcome of each shot of each branch, one branch after the other, and its probability.

    Branch ``i`` has vector ``i`` of ``state``, and row ``i`` of the probabilities ``known``; where
    these are None, they are those of ``qubits``, which are stored. A branch has the outcomes that
    it would have in a batch by itself.

    Returns:
        Two arrays of shape ``(shots of all branches,)``.
    """
    engine = run.engine
    sizes = [len(branch.shots) for branch in branches]
    outcomes = np.empty(sum(sizes), dtype=np.int64)
    weights = np.empty(len(outcomes))
    if known is not None:
        _pick_together(known, sizes, _draws(branches, run.randomness), outcomes, weights)
        return outcomes, weights
    start = 0
    for first, last in _portions(sizes, max(_WEIGHTS_AT_ONCE >> len(qubits), 1)):
        run.control.check()
        some = branches[first:last]
        whole = last - first == len(branches)
        vectors = state if whole else engine.rows(state, first, last)
        end = start + sum(sizes[first:last])
        part = slice(start, end)
        if len(some) == 1 or len(qubits) > BLOCK_BITS:
            for number, branch in enumerate(some):
                one = vectors if len(some) == 1 else engine.rows(vectors, number, number + 1)
                part = slice(start, start + len(branch.shots))
                sampler = Sampler(engine, one, qubits)
                _pick_alone(run, sampler, branch, outcomes[part], weights[part])
                start = part.stop
        else:
            draws = _draws(some, run.randomness)
            probabilities = engine.probabilities(vectors, qubits, {})
            _pick_together(probabilities, sizes[first:last], draws, outcomes[part], weights[part])
        start = end
    return outcomes, weights


def _portions(sizes: Sequence[int], most_branches: int) -> Iterator[tuple[int, int]]:
    """``(first, last)`` of the branches in each portion: at most ``most_branches``, of at most
    ``PORTION`` shots together, or one branch of more."""
    first, shots = 0, 0
    for number, size in enumerate(sizes):
        if number > first and (shots + size > PORTION or number - first == most_branches):
            yield first, number
            first, shots = number, 0
        shots += size
    yield first, len(sizes)


def _pick_alone(
    run: Run, sampler: Sampler, branch: Branch, outcomes: Outcomes, weights: Floats
) -> None:
    quiet = run.control.section(0, 0)
    for start in range(0, len(branch.shots), PORTION):
        part = slice(start, start + PORTION)
        draws = run.randomness.of(branch.draw, branch.shots[part])
        outcomes[part], weights[part] = sampler.pick(draws, quiet)


def _draws(branches: Sequence[Branch], randomness: Randomness) -> Floats:
    """The draw of each shot, one branch after the other."""
    shots = np.concatenate([branch.shots for branch in branches])
    draws = np.empty(len(shots))
    # Branches at the same step may have passed different numbers of events.
    numbers = np.repeat(
        [branch.draw for branch in branches], [len(branch.shots) for branch in branches]
    )
    order = np.lexsort((shots, numbers))
    bounds = np.flatnonzero(np.diff(numbers[order])) + 1
    for part in np.split(order, bounds):
        draws[part] = randomness.of(int(numbers[part[0]]), shots[part])
    return draws


def _pick_together(
    probabilities: Floats, sizes: Sequence[int], draws: Floats, outcomes: Outcomes, weights: Floats
) -> None:
    """Pick for ``sizes[i]`` draws by ``probabilities[i]``, as :class:`Sampler` does."""
    if probabilities.shape[1] > _FEW_OUTCOMES:
        start = 0
        for row, size in zip(probabilities, sizes, strict=True):
            part = slice(start, start + size)
            outcomes[part], _ = Distribution(row).locate(draws[part])
            weights[part] = row[outcomes[part]]
            start += size
        return
    cumulative = np.cumsum(probabilities, axis=1)
    rows = np.repeat(np.arange(len(sizes)), sizes)
    levels = draws * cumulative[rows, -1]
    outcomes[:] = 0
    for column in cumulative.T:
        outcomes += column[rows] <= levels
    # As in Distribution.locate: a level may be rounded up to the sum itself.
    for draw in np.flatnonzero(outcomes == probabilities.shape[1]):
        outcomes[draw] = np.flatnonzero(probabilities[rows[draw]])[-1]
    weights[:] = probabilities[rows, outcomes]


def children_of(branches: Sequence[Branch], outcomes: Outcomes, weights: Floats) -> list[Child]:
    """A child for each outcome that a branch's shots have: by branch, then by outcome.

    ``outcomes`` and ``weights`` are those of :func:`draw_outcomes`. The shots of a child are in
    increasing order, as those of its branch are.
    """
    if len(branches) == 1 and (outcomes == outcomes[0]).all():
        return [Child(0, int(outcomes[0]), float(weights[0]), branches[0].shots)]
    shots: Shots = np.concatenate([branch.shots for branch in branches])
    rows = np.repeat(np.arange(len(branches)), [len(branch.shots) for branch in branches])
    order = np.lexsort((outcomes, rows))  # stable
    ranked, rows, shots = outcomes[order], rows[order], shots[order]
    new = np.flatnonzero((np.diff(ranked) != 0) | (np.diff(rows) != 0)) + 1
    starts = np.concatenate([[0], new])
    bounds = [*starts.tolist(), len(order)]
    return [
        Child(row, outcome, weight, shots[low:high])
        for row, outcome, weight, low, high in zip(
            rows[starts].tolist(),
            ranked[starts].tolist(),
            weights[order[starts]].tolist(),
            bounds,
            bounds[1:],
            strict=False,
        )
    ]
