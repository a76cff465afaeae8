"""Passes and steps keep what their docstrings promise to engines."""

from __future__ import annotations

import numpy as np

from simquay.planning import Layout, Profile, make_plan
from simquay.planning.dense.steps import (
    ClusterPass,
    LonePass,
    PermuteStep,
    PhaseStep,
    ProductStep,
    StartPass,
)
from tests.support.gate_lists import random_gates


def test_the_final_order_of_a_buffer_is_that_after_its_last_product_or_permutation() -> None:
    ones = np.ones(1, dtype=complex)
    steps = (
        PermuteStep((0, 1), (1, 0)),
        PhaseStep(ones, (), (1, 0)),
    )
    assert ClusterPass((0, 1), 0, (0, 1), steps, (1, 0), 0).final == (1, 0)
    assert ClusterPass((0, 1), 0, (0, 1), (), (0, 1), 2).final == (0, 1)


def test_steps_keep_what_their_docstrings_promise() -> None:
    rng = np.random.default_rng(4)
    profile = Profile("dense", width=5, tile=7, low=3, start=4)
    gates = random_gates(12, 200, rng)
    plan = make_plan(gates, Layout(), profile)
    order: tuple[int, ...] = ()
    for step in plan.passes:
        assert isinstance(step, (StartPass, ClusterPass, LonePass))
        if isinstance(step, LonePass):
            assert step.before[: len(order)] == order
        elif isinstance(step, ClusterPass):
            assert step.before[: len(order)] == order
            assert step.loaded[: step.keep] == step.before[: step.keep]
            assert set(step.before[len(order) :]) <= set(step.loaded)
            assert len(step.loaded) <= profile.tile
            buffer = step.loaded
            for part in step.steps:
                if not isinstance(part, ProductStep):
                    buffer = getattr(part, "after", buffer)
                    continue
                assert part.before == buffer
                for block, where in [
                    (part.wires, part.before),
                    (part.result, part.after),
                    (part.columns, part.before),
                    (part.columns, part.after),
                ]:
                    start = where.index(block[0]) if block else 0
                    assert where[start : start + len(block)] == block
                assert part.before[0] in (*part.wires, *part.columns)
                assert part.after[0] in (*part.wires, *part.columns)
                buffer = part.after
            assert buffer == step.final
        order = step.after
    assert any(isinstance(step, LonePass) for step in plan.passes)
