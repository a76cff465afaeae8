"""The work of a run by trajectories, predicted from the channels and the number of shots."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from simquay.program import Channel, Gate, Mixture, Program
from simquay.program.program import walk

__all__ = ["predicted_evolutions"]

_GROUPS = 32
"""The most places at which errors are looked at: channels between two of them count as one."""

_RATIO = 1.5
"""Of a number of shots to the next one for which the work is computed."""


def predicted_evolutions(program: Program, shots: int) -> float:
    """The expected work of ``shots`` as trajectories, in evolutions of the whole circuit.

    Shots share an evolution until their errors differ. For a number of shots at one place of the
    program, the work behind it follows from those behind the next channel, since the shots split
    there by multinomial numbers; so it is computed from the end, for some numbers of shots. What
    is between these numbers is interpolated, and the mean over a number of shots is taken at its
    mean. Bodies count once, and measurements do not split shots here.
    """
    found = [one for one in walk(program.operations) if isinstance(one, (Gate, Channel))]
    mixtures: list[Mixture] = []
    passed: list[int] = []  # gates before each channel
    gates = 0
    for one in found:
        if isinstance(one, Channel):
            mixtures.append(one.mixture)
            passed.append(gates)
        else:
            gates += 1
    if not mixtures or shots < 1:
        return 1.0
    # The work behind a place, of branches of so many shots, in gates.
    numbers = np.unique([*np.ceil(_RATIO ** np.arange(np.log(shots) / np.log(_RATIO))), shots])
    work = np.full(len(numbers), float(gates - passed[-1]))
    shares = {key: _shares(one) for key, one in {id(one): one for one in mixtures}.items()}
    step = -(-len(mixtures) // _GROUPS)
    for first in range((len(mixtures) - 1) // step * step, -1, -step):
        some = mixtures[first : first + step]
        before = passed[first] - (passed[first - 1] if first else 0)
        inside = passed[min(first + step, len(mixtures)) - 1] - passed[first]
        parts = _parts(some, shares)
        # Errors stand in the middle of their group.
        work = _before(work + inside / 2, numbers, *parts) + before + inside / 2
    return float(work[-1]) / max(gates, 1)


_Parts: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Different probabilities, and how many parts have each."""


_Shares: TypeAlias = tuple[float, _Parts]
"""Of a channel: how likely its default is, and the others."""


def _shares(mixture: Mixture) -> _Shares:
    """Those of unitary parts and of single Kraus operators, in the completely mixed state. Where no
    part is unitary, the default is the most likely operator."""
    parts = zip(mixture.probabilities, mixture.parts, strict=True)
    each = [one * (abs(part) ** 2).sum(axis=(-2, -1)) / part.shape[-1] for one, part in parts]
    shares = np.concatenate([np.atleast_1d(one) for one in each])
    if mixture.parts[0].ndim == 3:
        shares = np.sort(shares)[::-1]
    found, times = np.unique(shares[1:].round(12), return_counts=True)
    return float(shares[0]), (found, times.astype(float))


def _parts(mixtures: Sequence[Mixture], shares: dict[int, _Shares]) -> _Parts:
    """The parts of channels one after the other: none has an error, or one has its first."""
    kept = 1.0
    reached: dict[int, list[float]] = {}
    for mixture in mixtures:
        reached.setdefault(id(mixture), []).append(kept)
        kept *= shares[id(mixture)][0]
    found, times = [np.array([kept])], [np.ones(1)]
    for key, here in reached.items():
        probabilities, many = shares[key][1]
        found.append(probabilities * (sum(here) / len(here)))
        times.append(many * len(here))
    return np.concatenate(found), np.concatenate(times)


def _before(
    work: NDArray[np.float64],
    numbers: NDArray[np.float64],
    probabilities: NDArray[np.float64],
    times: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The work in front of channels, from that behind them."""
    # Without shots there is no work; that of the others is taken at their mean number.
    some = -np.expm1(numbers[:, None] * np.log1p(-np.minimum(probabilities, 1 - 1e-16)))
    mean = numbers[:, None] * probabilities / np.maximum(some, 1e-300)
    total: NDArray[np.float64] = (some * np.interp(mean, numbers, work)) @ times
    return total
