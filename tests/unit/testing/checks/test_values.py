"""The checks of values notice wrong distributions, which are compared by Chernoff's bound."""

from __future__ import annotations

import math

import pytest

from simquay.testing import CheckFailed, check_distribution
from tests.support.broken.backends import failed_checks


@pytest.mark.parametrize("broken", [f"V0{number}" for number in range(1, 10)])
def test_a_broken_backend_fails_that_check_alone(broken: str) -> None:
    assert failed_checks(broken) == [broken]


def divergence(seen: float, expected: float) -> float:
    """Kullback and Leibler's, of two coins, in nats."""
    return seen * math.log(seen / expected) + (1 - seen) * math.log((1 - seen) / (1 - expected))


def test_a_coin_is_accepted_up_to_the_bound_and_not_beyond() -> None:
    shots, limit = 4000, math.log(2 * 2 / 1e-8)
    most = max(k for k in range(2000, 4000) if shots * divergence(k / shots, 0.5) <= limit)
    assert 2190 < most < 2210  # 6.3 standard deviations of 31.6
    fair = {"0": 0.5, "1": 0.5}
    check_distribution({"0": most, "1": shots - most}, fair)
    with pytest.raises(CheckFailed, match=f"coin: outcome '0' was seen {most + 1} times in 4000"):
        check_distribution({"0": most + 1, "1": shots - most - 1}, fair, "coin")


@pytest.mark.parametrize(
    ("counts", "expected"),
    [({"0": 9, "1": 1}, {"0": 1.0}), ({"0": 100}, {"0": 0.5, "1": 0.5}), ({"1": 1}, {"0": 1.0})],
    ids=["an impossible outcome", "a missing outcome", "another outcome"],
)
def test_what_cannot_be_is_refused(counts: dict[str, int], expected: dict[str, float]) -> None:
    with pytest.raises(CheckFailed):
        check_distribution(counts, expected)
