"""The errors of shots in a segment, by as few draws as there are errors.

A draw ``u`` tells where the next error is: at the first site at which the probability that there
was none so far is at most ``u``; nowhere if there is no such site. What is left of the draw picks
the part. The next draw decides on the sites behind it, and so on. So a shot takes a draw for each
error and one more, not one for each site.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simquay.execution.sampling.randomness import Randomness
from simquay.execution.trajectories.segments import Error, Segment

__all__ = ["draw_errors"]

_BELOW_ONE = 1.0 - 2.0**-53

_LEAST = 2.0**-60
"""In the place of a draw of 0."""


def draw_errors(
    segment: Segment,
    start: int | NDArray[np.intp],
    randomness: Randomness,
    numbers: NDArray[np.int64],
    shots: NDArray[np.int64],
) -> dict[int, list[Error]]:
    """The errors at the sites of ``segment`` from ``start`` on, which may differ from shot to shot.

    Shot ``shots[i]`` takes the draws ``numbers[i]``, ``numbers[i] + 1`` and so on. Its errors end
    with the first that depends on the state.

    Returns:
        By the place of the shot, increasing: its errors by site. Shots without errors are left out.
    """
    levels = segment.levels
    starts = np.broadcast_to(np.asarray(start, dtype=np.intp), len(shots))
    before = np.where(starts > 0, levels[starts - 1], 0.0)
    draws = randomness.each(numbers, shots)
    places = np.flatnonzero(draws >= np.exp(before - levels[-1]))
    found: dict[int, list[Error]] = {place: [] for place in places.tolist()}
    passed, least = before[places], starts[places]
    draws, turn = draws[places], 0
    while len(places):
        wanted = -np.log(np.maximum(draws, _LEAST))
        # Rounding must not give the last site again.
        sites = np.maximum(levels.searchsorted(passed + wanted), least)
        some = sites < len(levels)
        sites, places, draws, passed = sites[some], places[some], draws[some], passed[some]
        reached = np.where(sites > 0, levels[sites - 1], 0.0)
        # 1 just behind the site before, and 0 where the probability of no error ends.
        inside = (1 - draws * np.exp(reached - passed)) / segment.rests[sites]
        parts = segment.parts(sites, np.clip(inside, 0.0, _BELOW_ONE))
        goes_on = np.ones(len(places), dtype=bool)
        listed = zip(places.tolist(), sites.tolist(), parts.tolist(), strict=True)
        for number, (place, site, part) in enumerate(listed):
            found[place].append((site, part))
            if part in segment.state_dependent[site]:
                goes_on[number] = False
        places, sites = places[goes_on], sites[goes_on]
        passed, least = levels[sites], sites + 1
        turn += 1
        draws = randomness.each(numbers[places] + turn, shots[places])
    return {place: errors for place, errors in found.items() if errors}
