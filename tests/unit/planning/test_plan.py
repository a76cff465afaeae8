"""Plans compare by value, whatever their strategy."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.planning import Layout, Profile, make_plan
from tests.support.gate_lists import random_gates

PROFILES = [
    Profile("gates"),
    Profile("dense", width=3, tile=5, low=2),
    Profile("tiled", tile=3, low=1, span=2),
]
by_strategy = pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.strategy)


def gates_of(seed):
    return random_gates(6, 30, np.random.default_rng(seed), widest=4)


@by_strategy
def test_plans_compare_by_value(profile):
    first, second, other = (
        make_plan(gates_of(seed), Layout(), profile, None) for seed in (1, 1, 2)
    )
    assert first == second
    assert first != other
    assert first != "a plan"
    with pytest.raises(TypeError, match="unhashable"):
        hash(first)
