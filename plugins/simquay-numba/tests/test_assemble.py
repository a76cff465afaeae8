"""Assembled programs stand alone: whatever is dropped from the caches, they go on to work."""

from __future__ import annotations

import gc

import numpy as np
import pytest

from simquay.control import Control
from simquay.planning import Layout, make_plan
from simquay.program import Precision
from simquay_numba.assembly import assemble, diagonals, geometry, merging, templates, trips
from simquay_numba.engine import NumbaEngine
from tests.support.random_programs import random_unitary_program
from tests.support.tiled_runs import expected, spread


def drop_all_caches() -> None:
    for module in (assemble, diagonals, geometry, merging, templates, trips):
        for value in vars(module).values():
            if hasattr(value, "cache_clear"):
                value.cache_clear()
    gc.collect()


@pytest.mark.parametrize("precision", list(Precision))
def test_a_program_keeps_what_its_instructions_point_at(precision: Precision) -> None:
    engine = NumbaEngine(tile=(6, 5), low=(4, 3), small=0, threads=2)
    program = random_unitary_program(9, 60, 4)
    plan = make_plan(program.operations, Layout(), engine.profile(precision, 9), None)
    want = expected(program.operations, spread(np.ones((1, 1), dtype=complex), [], 9))
    for turn in range(3):
        state = engine.allocate(9, precision, capacity=9)
        engine.apply(state, plan, Control())
        found = spread(state.vector, plan.final.order, 9)
        np.testing.assert_allclose(
            found, want, atol=1e-12 if precision is Precision.DOUBLE else 1e-5
        )
        drop_all_caches()
        # What was freed is written over, so that a stale address would be seen.
        filler = [np.full(size, -1, dtype=np.int64) for size in range(8, 2048, 8)]
        del filler
        assert turn or len(plan.passes) > 1


def test_the_numbers_are_the_stage_s_own_not_the_template_s() -> None:
    engine = NumbaEngine(tile=(6, 5), low=(4, 3), small=0, threads=1)
    for seed in range(3):  # the same gates on the same qubits, with other numbers
        rng = np.random.default_rng(seed)
        operations = [
            type(one)(np.exp(1j * rng.random(one.diagonal.shape)), one.qubits, one.controls)
            if hasattr(one, "diagonal")
            else one
            for one in random_unitary_program(8, 50, 1).operations
        ]
        plan = make_plan(operations, Layout(), engine.profile(Precision.DOUBLE, 8), None)
        state = engine.allocate(8, Precision.DOUBLE, capacity=8)
        engine.apply(state, plan, Control())
        found = spread(state.vector, plan.final.order, 8)
        want = expected(operations, spread(np.ones((1, 1), dtype=complex), [], 8))
        np.testing.assert_allclose(found, want, atol=1e-12)
