"""The end of a run or a branch: shots' classical bits, and final resets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from simquay.engines.base import Engine, State
from simquay.errors import ManyStatesError
from simquay.execution.branching.steps import Event
from simquay.program import Precision

__all__ = [
    "PORTION",
    "UNCERTAIN",
    "final_resets",
    "many_states",
    "portion_shots",
    "shot_portions",
    "stored_qubits",
    "write_outcomes",
    "write_words",
]

Samples = NDArray[np.uint64]
PORTION = 1 << 19
"""The most shots that are sampled, and the most outcomes that are sorted or merged, at once."""

_UNCOUNTED = 1 << 14
"""Shots whose arrays, about a MiB, no reservation counts."""

UNCERTAIN = {Precision.SINGLE: 1e-3, Precision.DOUBLE: 1e-9}
"""Where one state is asked for, an outcome counts as certain if all others together are less likely
than this. It is far above what rounding leaves of an impossible outcome after many gates."""


def portion_shots(shots: int) -> int:
    """The shots of the largest portion, for what its arrays take; a few shots take next to
    nothing."""
    return max(min(shots, PORTION) - _UNCOUNTED, 0)


def shot_portions(sizes: Sequence[int], most_branches: int) -> Iterator[tuple[int, int]]:
    """``(first, last)`` of the branches in each portion: at most ``most_branches``, of at most
    ``PORTION`` shots together, or one branch of more; ``sizes`` are the shots of each."""
    if len(sizes) <= most_branches and sum(sizes) <= PORTION:
        yield 0, len(sizes)
        return
    first, shots = 0, 0
    for number, size in enumerate(sizes):
        if number > first and (shots + size > PORTION or number - first == most_branches):
            yield first, number
            first, shots = number, 0
        shots += size
    yield first, len(sizes)


def stored_qubits(state: State, event: Event) -> list[int]:
    """The qubits of ``event`` that are stored, increasing: an outcome has a bit for each.

    A qubit that is not stored is |0>, and zeros in a cumulative distribution do not change what a
    draw picks.
    """
    stored = set(state.layout.order)
    return [qubit for qubit in event.qubits if qubit in stored]


def write_words(samples: Samples, groups: Sequence[NDArray[np.int64]], bits: Sequence[int]) -> None:
    """Set the classical bits of the rows ``groups[i]`` to those of the integer ``bits[i]``."""
    for first, last in shot_portions([*map(len, groups)], len(groups)):
        some = groups[first:last]
        rows: slice | NDArray[np.int64] = some[0] if len(some) == 1 else np.concatenate(some)
        if len(some) == 1 and len(some[0]) == len(samples):
            rows = slice(None)
        for word in range(samples.shape[1]):
            values = [number >> 64 * word & 0xFFFF_FFFF_FFFF_FFFF for number in bits[first:last]]
            every = np.array(values, dtype=np.uint64)
            samples[rows, word] = every if len(some) == 1 else np.repeat(every, [*map(len, some)])


def write_outcomes(
    samples: Samples,
    rows: slice | NDArray[np.int64],
    writes: Sequence[tuple[int, int]],
    qubits: Sequence[int],
    outcomes: NDArray[np.int64],
) -> None:
    """Set the classical bits of ``writes`` in ``rows``; ``qubits[j]`` is bit ``j`` of an outcome.

    The bits in question are 0 before.
    """
    bit_of = {qubit: bit for bit, qubit in enumerate(qubits)}
    # Bits that move by the same distance move in one step: a single one if qubit k goes to bit k.
    masks: dict[tuple[int, int], int] = {}
    for clbit, qubit in {clbit: qubit for qubit, clbit in writes}.items():
        bit = bit_of.get(qubit)
        if bit is not None:
            key = (clbit >> 6, (clbit & 63) - bit)
            masks[key] = masks.get(key, 0) | 1 << bit
    values = outcomes.view(np.uint64)
    for (word, shift), mask in masks.items():
        picked = values & np.uint64(mask)
        if shift >= 0:
            picked <<= np.uint64(shift)
        else:
            picked >>= np.uint64(-shift)
        samples[rows, word] |= picked


def final_resets(
    engine: Engine, state: State, resets: Sequence[int], precision: Precision, name: str
) -> None:
    """Reset qubits that nothing uses again, before the state is returned.

    Raises:
        ManyStatesError: if a qubit's value is not certain: each outcome leaves another state.
    """
    stored = set(state.layout.order)
    for qubit in resets:
        if qubit not in stored:
            continue
        weights = engine.probabilities(state, (qubit,), {})[0]
        value = int(weights[1] > weights[0])
        if weights[1 - value] > UNCERTAIN[precision]:
            raise many_states(name, f"the reset of qubit {qubit}")
        engine.collapse(state, {qubit: value}, float(weights[value]))
        if value:
            engine.flip(state, (qubit,))


def many_states(name: str, operation: str) -> ManyStatesError:
    """The error where one state is asked for and ``operation`` has made several."""
    circuit = f"circuit {name!r}" if name else "the circuit"
    return ManyStatesError(
        f"{circuit} has no single state vector: {operation} splits its shots into several states; "
        "leave it out, save the state before it, or with pershot or conditional, or run one shot"
    )
