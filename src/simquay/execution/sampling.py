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

BLOCKS_AT_ONCE = 8192
"""The most blocks that an engine is asked for in one call."""

DRAWS_AT_ONCE = 4096
"""The most draws that are searched for at once in such blocks: 8 MiB for 256 outcomes a block."""

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
        if self._low or self._top is None:
            return self.pick(draws, control)[0]
        control.check()
        return self._top.locate(draws)[0]

    def pick(self, draws: Floats, control: Control) -> tuple[Outcomes, Floats]:
        """Outcomes for ``draws`` (numbers in [0, 1)), and the probability of each one's outcome.

        ``control`` is checked before blocks are read, and reported to after them.

        Returns:
            Two arrays of shape ``(len(draws),)``: outcomes, and joint probabilities.
        """
        control.check()
        low = self._low
        if self._top is None:
            weights = self._engine.probabilities(self._state, self.qubits[low:], {})[0]
            self._top = Distribution(weights)
        if not low:
            outcomes, _ = self._top.locate(draws)
            return outcomes, self._top.weights[outcomes]
        outcomes, levels = self._top.locate(draws)
        inside = self._top.inside(outcomes, levels)
        weights = np.empty(len(draws))
        while low:
            high, low = low, low - self._block_bits
            inside = self._descend(low, high, outcomes, inside, weights, control)
        return outcomes, weights

    def _descend(
        self,
        low: int,
        high: int,
        outcomes: Outcomes,
        inside: Floats,
        weights: Floats,
        control: Control,
    ) -> Floats:
        """Descend by the qubits ``low`` to ``high - 1``, given the outcomes of those above.

        The blocks that were hit are read and searched many at a time. Writes ``outcomes`` and
        ``weights``; returns the position, in [0, 1), of each draw in its outcome's interval.
        """
        level, fixed = self.qubits[low:high], self.qubits[high:]
        blocks, block_of = np.unique(outcomes, return_inverse=True)
        order = np.argsort(block_of, kind="stable")
        starts = np.searchsorted(block_of[order], np.arange(len(blocks) + 1))
        rest = np.empty(len(outcomes))
        for first in range(0, len(blocks), BLOCKS_AT_ONCE):
            control.check()
            after = min(first + BLOCKS_AT_ONCE, len(blocks))
            rows = self._engine.block_probabilities(self._state, level, fixed, blocks[first:after])
            cumulative = np.cumsum(rows, axis=1)
            members = order[starts[first] : starts[after]]
            for part in np.array_split(members, -(-len(members) // DRAWS_AT_ONCE)):
                row = block_of[part] - first
                levels = inside[part] * cumulative[row, -1]
                found = (cumulative[row] <= levels[:, None]).sum(axis=1)
                for draw in np.flatnonzero(found == rows.shape[1]):  # as in Distribution.locate
                    found[draw] = np.flatnonzero(rows[row[draw]])[-1]
                picked = rows[row, found]
                fraction = (levels - (cumulative[row, found] - picked)) / picked
                rest[part] = np.clip(fraction, 0.0, _BELOW_ONE)
                weights[part] = picked
                outcomes[part] = outcomes[part] << len(level) | found
            control.report((1 - low / len(self.qubits)) * float(starts[after]) / len(outcomes))
        return rest


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
        outcomes = self.cumulative.searchsorted(levels, side="right").astype(np.int64, copy=False)
        if outcomes.size and outcomes.max() >= len(self.weights):
            # draw * sum may round up to the sum itself: that picks the last possible outcome.
            np.minimum(outcomes, np.flatnonzero(self.weights)[-1], out=outcomes)
        return outcomes, levels

    def inside(self, outcomes: Outcomes, levels: Floats) -> Floats:
        """The position of each level in its outcome's interval, in [0, 1): the draw for the
        qubits below."""
        picked = self.weights[outcomes]
        fraction = (levels - (self.cumulative[outcomes] - picked)) / picked
        return np.clip(fraction, 0.0, _BELOW_ONE, out=fraction)
