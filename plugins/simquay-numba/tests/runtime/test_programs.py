"""The cache of assembled passes: by plan and precision, bounded, and usable after a fork."""

from __future__ import annotations

import gc
import itertools
import os
import weakref
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from simquay.engine_api import (
    Control,
    Diagonal,
    Layout,
    Matrix,
    Plan,
    Precision,
    Profile,
    ReferenceEngine,
    Round,
    TilePass,
    make_plan,
)
from simquay.testing.engines import evolve
from simquay_numba.assembly.assemble import Assembly, assemble
from simquay_numba.engine import NumbaEngine
from simquay_numba.runtime import programs
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


def test_passes_of_one_structure_are_assembled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assembled: list[Assembly] = []

    def counted(pass_: TilePass, precision: Precision, large: bool) -> Assembly:
        assembled.append(assemble(pass_, precision, large))
        return assembled[-1]

    monkeypatch.setattr(programs, "assemble", counted)
    engine = NumbaEngine(tile=(9, 9), low=(4, 3), small=0, threads=1)
    reference = ReferenceEngine()
    rng = np.random.default_rng(5)
    profile = replace(engine.profile(Precision.DOUBLE, 9), direct=0)
    plans = []
    for _ in range(3):
        # The diagonals make groups, of which some are merged.
        gates: list[Matrix | Diagonal] = []
        for _ in range(3):
            for one in range(9):
                cosine, sine = np.cos(angle := rng.normal()), np.sin(angle)
                gates.append(Matrix(np.array([[cosine, -sine], [sine, cosine + 0j]]), (one,)))
            pairs = itertools.combinations(range(9), 2)
            gates += [Diagonal(np.exp(1j * rng.normal(size=4)), pair) for pair in pairs]
        plan = make_plan(gates, Layout(), profile)
        state = engine.allocate(9, Precision.DOUBLE, capacity=9)
        engine.apply(state, plan, Control())
        want = reference.amplitudes(evolve(reference, gates, 9))
        np.testing.assert_allclose(engine.amplitudes(state), want, atol=1e-12)
        plans.append(plan)
    assert len({id(plan) for plan in plans}) == 3
    assert len(assembled) == len(plans[0].passes)
    assert any(one.factors for one in assembled)  # merged tables


def test_a_pass_is_assembled_anew_once_it_was_applied_to_much(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(programs, "_LARGE", 10 << WIDTH)
    cache = ProgramCache()
    plan, pass_ = a_plan()
    first = cache.program(plan, 0, pass_, Precision.DOUBLE, 4)
    assert cache.program(plan, 0, pass_, Precision.DOUBLE, 5) is first
    large = cache.program(plan, 0, pass_, Precision.DOUBLE)
    assert large is not first
    assert cache.program(plan, 0, pass_, Precision.DOUBLE) is large


@pytest.mark.parametrize("limits", [{"entries": 2}, {"size": 1}])
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
