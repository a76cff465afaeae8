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

import numpy as np
from numpy.typing import NDArray

from quayside.control import Control
from quayside.engines.base import Engine, State
from quayside.execution.grouping import equal_runs

__all__ = ["BLOCK_BITS", "sample"]

BLOCK_BITS = 16
"""Outcomes are looked at in blocks of at most ``2**BLOCK_BITS``."""


def sample(
    engine: Engine,
    state: State,
    qubits: Sequence[int],
    draws: NDArray[np.float64],
    control: Control,
    block_bits: int = BLOCK_BITS,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Outcomes for ``draws`` (numbers in [0, 1)), and the probability of each one's outcome.

    Args:
        qubits: the measured qubits in increasing order, at most 62.
        control: checked before each block, reported to after it.
        block_bits: the size of a block; another size moves no draw but by rounding.

    Returns:
        Two arrays of shape ``(len(draws),)``: outcomes, and joint probabilities.
    """
    if len(qubits) <= block_bits:
        control.check()
        weights = engine.probabilities(state, qubits, {})[0]
        outcomes, picked, _, _ = _place(weights, draws)
        return outcomes, picked
    return _sample_blocks(engine, state, qubits, draws, control, block_bits)


def _place(
    weights: NDArray[np.float64], draws: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Outcomes, their weights, the cumulative weights, and where among those the draws stand.

    An outcome of weight 0 is never picked. The draws are scaled to the sum of the weights, which
    rounding (and single precision) keeps from being exactly 1.
    """
    cumulative = np.cumsum(weights)
    levels = draws * cumulative[-1]
    outcomes = cumulative.searchsorted(levels, side="right").astype(np.int64, copy=False)
    if outcomes.size and outcomes.max() >= len(weights):
        # draw * sum may round up to the sum itself: that is the last outcome that can happen.
        np.minimum(outcomes, np.flatnonzero(weights)[-1], out=outcomes)
    return outcomes, weights[outcomes], cumulative, levels


_BELOW_ONE = 1.0 - 2.0**-53


def _sample_blocks(
    engine: Engine,
    state: State,
    qubits: Sequence[int],
    draws: NDArray[np.float64],
    control: Control,
    block_bits: int,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """:func:`sample` level by level: the top qubits first, ``block_bits`` a level below."""
    outcomes = np.zeros(len(draws), dtype=np.int64)
    weights = np.zeros(len(draws))
    inside = draws
    high = len(qubits)
    low = (high - 1) // block_bits * block_bits
    while True:
        level = qubits[low:high]
        fixed = qubits[high:]
        # Shots that fell into one block stand together, so that each block is read once.
        order = np.argsort(outcomes, kind="stable")
        ranked = outcomes[order]
        rest = np.empty(len(draws))
        for low_shot, high_shot in equal_runs(ranked):
            control.check()
            block = int(ranked[low_shot])
            given = {qubit: block >> bit & 1 for bit, qubit in enumerate(fixed)}
            members = order[low_shot:high_shot]
            found, picked, cumulative, levels = _place(
                engine.probabilities(state, level, given)[0], inside[members]
            )
            outcomes[members] = block << len(level) | found
            weights[members] = picked
            # Where in its outcome's interval a draw fell is its draw among what lies below.
            left = (levels - (cumulative[found] - picked)) / picked
            rest[members] = np.clip(left, 0.0, _BELOW_ONE)
            control.report((1 - low / len(qubits)) * high_shot / len(draws))
        if low == 0:
            return outcomes, weights
        inside = rest
        high = low
        low = high - block_bits
