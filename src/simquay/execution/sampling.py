"""Picks outcomes of a joint measurement for many shots, without a vector of all outcomes.

An outcome is an integer whose bit ``j`` is the value of the ``j``-th measured qubit, in increasing
order of qubits. A draw ``u`` picks the first outcome at which the cumulative probability exceeds
``u``. This order is a property of the program alone: how an engine stores its qubits, how gates
were fused and how shots were split have no say in it, so they cannot change what is drawn.

Where there are more outcomes than fit a block, the draw is placed from the top: the marginal of
the highest qubits says in which block it falls, and only blocks that were hit are looked into.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from simquay.control import Control
from simquay.engines.base import BlockReader, Engine, State
from simquay.execution.grouping import equal_runs

__all__ = ["BLOCK_BITS", "Distribution", "Sampler"]

BLOCK_BITS = 16
"""Outcomes are looked at in blocks of at most ``2**BLOCK_BITS``."""

BLOCKS_AT_ONCE = 8192
"""Blocks that an engine is asked for by one call, where it takes many."""

DRAWS_AT_ONCE = 4096
"""Draws that are searched for at once in such blocks: 8 MiB for blocks of 256 outcomes."""

Outcomes: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]

_BELOW_ONE = 1.0 - 2.0**-53


class Sampler:
    """Picks outcomes of one joint measurement of a state that does not change meanwhile.

    Args:
        engine: whose state it is.
        state: a state of one vector.
        qubits: the measured qubits in increasing order, at most 62.
        block_bits: the size of a block; another size moves no draw but by rounding. Below the top
            level an engine that reads many blocks at once says the size itself.
    """

    __slots__ = ("_block_bits", "_engine", "_low", "_qubits", "_reader", "_state", "_top")

    def __init__(
        self, engine: Engine, state: State, qubits: Sequence[int], block_bits: int = BLOCK_BITS
    ) -> None:
        self._engine = engine
        self._state = state
        self._qubits = qubits
        self._block_bits = block_bits
        self._low = max(len(qubits) - 1, 0) // block_bits * block_bits
        # Asked only where there are blocks: the question takes a while, and most runs are short.
        self._reader = engine if self._low and isinstance(engine, BlockReader) else None
        if self._reader is not None:
            self._block_bits = min(self._reader.block_bits, block_bits)
            below = max(len(qubits) - block_bits, 0)
            self._low = -(-below // self._block_bits) * self._block_bits
        self._top: Distribution | None = None

    def pick(self, draws: Floats, control: Control) -> tuple[Outcomes, Floats]:
        """Outcomes for ``draws`` (numbers in [0, 1)), and the probability of each one's outcome.

        ``control`` is checked before each block that is read, and reported to after it.

        Returns:
            Two arrays of shape ``(len(draws),)``: outcomes, and joint probabilities.
        """
        control.check()
        low = self._low
        if self._top is None:
            weights = self._engine.probabilities(self._state, self._qubits[low:], {})[0]
            self._top = Distribution(weights)
        if not low:
            outcomes, _ = self._top.place(draws)
            return outcomes, self._top.weights[outcomes]
        outcomes, levels = self._top.place(draws)
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
        """Place draws by the qubits ``low`` to ``high - 1``, given their outcomes above those.

        Writes ``outcomes`` and ``weights``; returns where the draws stand inside those.
        """
        level, fixed = self._qubits[low:high], self._qubits[high:]
        if self._reader is not None:
            return self._descend_at_once(low, high, outcomes, inside, weights, control)
        # Shots that fell into one block stand together, so that each block is read once.
        order = np.argsort(outcomes, kind="stable")
        ranked = outcomes[order]
        rest = np.empty(len(outcomes))
        for start, end in equal_runs(ranked):
            control.check()
            block = int(ranked[start])
            given = {qubit: block >> bit & 1 for bit, qubit in enumerate(fixed)}
            distribution = Distribution(self._engine.probabilities(self._state, level, given)[0])
            members = order[start:end]
            found, levels = distribution.place(inside[members])
            rest[members] = distribution.inside(found, levels)
            weights[members] = distribution.weights[found]
            outcomes[members] = block << len(level) | found
            control.report((1 - low / len(self._qubits)) * end / len(outcomes))
        return rest

    def _descend_at_once(
        self,
        low: int,
        high: int,
        outcomes: Outcomes,
        inside: Floats,
        weights: Floats,
        control: Control,
    ) -> Floats:
        """As :meth:`_descend`, with the blocks that were hit read and searched many at a time."""
        assert self._reader is not None
        level, fixed = self._qubits[low:high], self._qubits[high:]
        blocks, block_of = np.unique(outcomes, return_inverse=True)
        order = np.argsort(block_of, kind="stable")
        starts = np.searchsorted(block_of[order], np.arange(len(blocks) + 1))
        rest = np.empty(len(outcomes))
        for first in range(0, len(blocks), BLOCKS_AT_ONCE):
            control.check()
            after = min(first + BLOCKS_AT_ONCE, len(blocks))
            rows = self._reader.block_probabilities(self._state, level, fixed, blocks[first:after])
            cumulative = np.cumsum(rows, axis=1)
            members = order[starts[first] : starts[after]]
            for part in np.array_split(members, -(-len(members) // DRAWS_AT_ONCE)):
                row = block_of[part] - first
                levels = inside[part] * cumulative[row, -1]
                found = (cumulative[row] <= levels[:, None]).sum(axis=1)
                for draw in np.flatnonzero(found == rows.shape[1]):  # as in Distribution.place
                    found[draw] = np.flatnonzero(rows[row[draw]])[-1]
                picked = rows[row, found]
                fraction = (levels - (cumulative[row, found] - picked)) / picked
                rest[part] = np.clip(fraction, 0.0, _BELOW_ONE)
                weights[part] = picked
                outcomes[part] = outcomes[part] << len(level) | found
            control.report((1 - low / len(self._qubits)) * float(starts[after]) / len(outcomes))
        return rest


class Distribution:
    """Weights of outcomes, and their cumulative sum."""

    __slots__ = ("cumulative", "weights")

    def __init__(self, weights: Floats) -> None:
        self.weights = weights
        self.cumulative = np.cumsum(weights)

    def place(self, draws: Floats) -> tuple[Outcomes, Floats]:
        """Outcomes, and the draws scaled to the sum of the weights, which rounding (and single
        precision) keeps from being exactly 1. An outcome of weight 0 is never picked."""
        levels = draws * self.cumulative[-1]
        outcomes = self.cumulative.searchsorted(levels, side="right").astype(np.int64, copy=False)
        if outcomes.size and outcomes.max() >= len(self.weights):
            # draw * sum may round up to the sum itself: that is the last outcome that can happen.
            np.minimum(outcomes, np.flatnonzero(self.weights)[-1], out=outcomes)
        return outcomes, levels

    def inside(self, outcomes: Outcomes, levels: Floats) -> Floats:
        """Where in its outcome's interval each level is, in [0, 1): its draw among what lies
        below that outcome."""
        picked = self.weights[outcomes]
        fraction = (levels - (self.cumulative[outcomes] - picked)) / picked
        return np.clip(fraction, 0.0, _BELOW_ONE, out=fraction)
