"""The cache of assembled passes: by plan and precision, bounded, and usable after a fork."""

from __future__ import annotations

import gc
import os
import weakref
from typing import Any

import pytest

from simquay.engine_api import Layout, Plan, Precision, Profile, Round, TilePass
from simquay_numba.runtime.programs import ProgramCache

WIDTH = 6


def a_plan() -> tuple[Plan, TilePass]:
    bits = tuple(range(WIDTH))
    pass_ = TilePass(WIDTH, WIDTH, bits, (Round((), ()),), bits)
    return Plan(Profile("tiled", tile=WIDTH), Layout(bits), Layout(bits), [pass_]), pass_


def test_a_pass_is_assembled_once_for_a_plan_and_a_precision() -> None:
    cache = ProgramCache()
    (plan, pass_), (other, same_pass) = a_plan(), a_plan()
    first = cache.program(plan, 0, pass_, Precision.DOUBLE)
    assert cache.program(plan, 0, pass_, Precision.DOUBLE) is first
    assert cache.program(plan, 0, pass_, Precision.SINGLE) is not first
    assert cache.program(other, 0, same_pass, Precision.DOUBLE) is not first
    assert cache.program(plan, 0, pass_, Precision.DOUBLE) is first


@pytest.mark.parametrize("limits", [{"plans": 2}, {"size": 1}])
def test_the_oldest_plans_are_dropped(limits: dict[str, Any]) -> None:
    cache = ProgramCache(**limits)
    plans = [a_plan() for _ in range(3)]
    made = [cache.program(*args(one), Precision.DOUBLE) for one in plans]
    assert cache.program(*args(plans[2]), Precision.DOUBLE) is made[2]
    assert cache.program(*args(plans[0]), Precision.DOUBLE) is not made[0]


def args(one: tuple[Plan, TilePass]) -> tuple[Plan, int, TilePass]:
    return one[0], 0, one[1]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
# From Python 3.12 on, forking warns beside threads, such as those of an earlier test.
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_lock_that_was_held_at_a_fork_is_free_in_the_child() -> None:
    cache = ProgramCache()
    plan, pass_ = a_plan()
    cache.program(plan, 0, pass_, Precision.DOUBLE)
    with cache._lock:
        child = os.fork()
        if child == 0:
            os._exit(0 if cache._lock.acquire(timeout=10) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_cache_that_nobody_uses_goes_away() -> None:
    dead = weakref.ref(ProgramCache())
    gc.collect()
    assert dead() is None
