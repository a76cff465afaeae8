"""Picks outcomes of a joint measurement for many shots, without a vector of all outcomes.

An outcome is an integer whose bit ``j`` is the value of the ``j``-th measured qubit, in increasing
order of qubits. A draw ``u`` picks the first outcome at which the cumulative probability exceeds
``u``. This order depends on the program alone. The engine's storage order, the fusion of gates and
the split of shots have no influence on it, so they cannot change an outcome.

With more outcomes than fit one block, a draw descends from the highest qubits: their marginal
distribution gives the block that it falls into, and only the blocks that were hit are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from simquay.control import Control
from simquay.engines.base import Engine, State

__all__ = ["BLOCK_BITS", "Distribution", "Sampler"]

BLOCK_BITS = 16
"""Probabilities are read in blocks of at most ``2**BLOCK_BITS`` outcomes."""

READ_AT_ONCE = 1 << 19
"""The most probabilities that an engine is asked for in one call, in blocks: 4 MiB."""

DRAWS_AT_ONCE = 1 << 15
"""The most draws that are searched for at once in such blocks: their arrays stay in cache."""

Outcomes: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]

_BELOW_ONE = 1.0 - 2.0**-53


class Sampler:
    """Picks outcomes of one joint measurement; the state must not change meanwhile.

    Args:
        engine: the state's engine.
        state: a state of one vector.
        qubits: the measured qubits in increasing order, at most 62.
        block_bits: log2 of the size of a block; it changes outcomes by rounding alone. Below the
            top level the engine sets the size.
    """

    __slots__ = ("_block_bits", "_engine", "_low", "_state", "_top", "qubits")

    def __init__(
        self, engine: Engine, state: State, qubits: Sequence[int], block_bits: int = BLOCK_BITS
    ) -> None:
        self._engine = engine
        self._state = state
        self.qubits = qubits
        self._block_bits = min(engine.block_bits, block_bits)
        self._low = -(-max(len(qubits) - block_bits, 0) // self._block_bits) * self._block_bits
        self._top: Distribution | None = None

    def take(self, weights: Floats) -> None:
        """Pick by the probabilities ``weights`` of all outcomes, which were read before."""
        self._low = 0
        self._top = Distribution(weights)

    def outcomes(self, draws: Floats, control: Control) -> Outcomes:
        """The outcomes of :meth:`pick`, without their probabilities."""
        outcomes, levels = self._begin(draws, control)
        self._descend(outcomes, levels, None, control)
        return outcomes

    def pick(self, draws: Floats, control: Control) -> tuple[Outcomes, Floats]:
        """Outcomes for ``draws`` (numbers in [0, 1)), and the probability of each one's outcome.

        ``control`` is checked before blocks are read, and reported to after them.

        Returns:
            Two arrays of shape ``(len(draws),)``: outcomes, and joint probabilities.
        """
        outcomes, levels = self._begin(draws, control)
        if not self._low:
            assert self._top is not None
            return outcomes, self._top.weights[outcomes]
        weights = np.empty(len(draws))
        self._descend(outcomes, levels, weights, control)
        return outcomes, weights

    def _begin(self, draws: Floats, control: Control) -> tuple[Outcomes, Floats]:
        """The outcome of each draw at the top level, and the level in its distribution."""
        control.check()
        if self._top is None:
            weights = self._engine.probabilities(self._state, self.qubits[self._low :], {})[0]
            self._top = Distribution(weights)
        return self._top.locate(draws)

    def _descend(
        self, outcomes: Outcomes, levels: Floats, weights: Floats | None, control: Control
    ) -> None:
        """Descend from the outcomes of the top level, which become those of all qubits; writes
        their probabilities to ``weights``."""
        low = self._low
        if not low:
            return
        assert self._top is not None
        inside = self._top.inside(outcomes, levels)
        while low:
            high, low = low, low - self._block_bits
            self._descend_once(low, high, outcomes, inside, None if low else weights, control)

    def _descend_once(
        self,
        low: int,
        high: int,
        outcomes: Outcomes,
        inside: Floats,
        weights: Floats | None,
        control: Control,
    ) -> None:
        """Descend by the qubits ``low`` to ``high - 1``, given the outcomes of those above.

        The blocks that were hit are read and searched many at a time. Writes ``outcomes``; above
        the lowest level ``inside``, the position of each draw, in [0, 1), in its outcome's
        interval; and ``weights``, if there are any.
        """
        level, fixed = self.qubits[low:high], self.qubits[high:]
        width = 1 << len(level)
        # NumPy sorts integers of 16 bits by their digits, which takes a tenth of the time.
        keys = outcomes.astype(np.uint16) if len(fixed) <= 16 else outcomes
        order = np.argsort(keys, kind="stable")
        ranked = outcomes[order]
        starts = np.flatnonzero(np.diff(ranked, prepend=-1))
        blocks, sizes = ranked[starts], np.diff(starts, append=len(ranked))
        del keys, ranked
        done = 0
        for first in range(0, len(blocks), max(READ_AT_ONCE >> len(level), 1)):
            control.check()
            some = slice(first, first + max(READ_AT_ONCE >> len(level), 1))
            rows = self._engine.block_probabilities(self._state, level, fixed, blocks[some])
            cumulative = np.cumsum(rows, axis=1).reshape(-1)
            every_row = np.repeat(np.arange(len(rows)), sizes[some])
            for start in range(0, len(every_row), DRAWS_AT_ONCE):
                row = every_row[start : start + DRAWS_AT_ONCE]
                part = order[done + start : done + start + len(row)]
                ends = (row + 1) * width - 1
                levels = inside[part] * cumulative[ends]
                place = row * width  # in all blocks; the search halves each draw's block
                step = width
                while step := step >> 1:
                    place += step * (cumulative[place + (step - 1)] <= levels)
                for draw in np.flatnonzero(cumulative[ends] <= levels):  # as Distribution.locate
                    place[draw] = row[draw] * width + np.flatnonzero(rows[row[draw]])[-1]
                if low or weights is not None:
                    picked = rows.reshape(-1)[place]
                    if weights is not None:
                        weights[part] = picked
                    fraction = (levels - (cumulative[place] - picked)) / picked
                    inside[part] = np.clip(fraction, 0.0, _BELOW_ONE)
                outcomes[part] = outcomes[part] << len(level) | (place - row * width)
            done += len(every_row)
            control.report((1 - low / len(self.qubits)) * done / len(outcomes))


class Distribution:
    """Weights of outcomes, and their cumulative sum."""

    __slots__ = ("cumulative", "weights")

    def __init__(self, weights: Floats) -> None:
        self.weights = weights
        self.cumulative = np.cumsum(weights)

    def locate(self, draws: Floats) -> tuple[Outcomes, Floats]:
        """The outcome of each draw, and its level: the draw times the sum of the weights, which is
        not exactly 1 because of rounding. An outcome of weight 0 is never picked."""
        levels = draws * self.cumulative[-1]
        if len(draws) < DRAWS_AT_ONCE or len(self.weights).bit_count() > 1:
            outcomes = self.cumulative.searchsorted(levels, side="right")
            outcomes = outcomes.astype(np.int64, copy=False)
        else:
            outcomes = self._locate_many(levels)
        if outcomes.size and outcomes.max() >= len(self.weights):
            # draw * sum may round up to the sum itself: that picks the last possible outcome.
            np.minimum(outcomes, np.flatnonzero(self.weights)[-1], out=outcomes)
        return outcomes, levels

    def _locate_many(self, levels: Floats) -> Outcomes:
        """As ``searchsorted``, by halves: without a branch for each draw, it takes a third."""
        outcomes = np.zeros(len(levels), dtype=np.int64)
        for start in range(0, len(levels), DRAWS_AT_ONCE):
            some = levels[start : start + DRAWS_AT_ONCE]
            place = outcomes[start : start + DRAWS_AT_ONCE]
            step = len(self.weights)
            while step := step >> 1:
                place += step * (self.cumulative[place + (step - 1)] <= some)
            place += self.cumulative[place] <= some
        return outcomes

    def inside(self, outcomes: Outcomes, levels: Floats) -> Floats:
        """The position of each level in its outcome's interval, in [0, 1): the draw for the
        qubits below."""
        picked = self.weights[outcomes]
        fraction = (levels - (self.cumulative[outcomes] - picked)) / picked
        return np.clip(fraction, 0.0, _BELOW_ONE, out=fraction)
