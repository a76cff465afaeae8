"""Candidate plans: where wires are stored, and what a plan costs."""

from __future__ import annotations

import pytest

from simquay.planning import Profile
from simquay.planning.dense.assignment import CandidateLonePass, CandidatePlan, CandidateTilePass
from simquay.planning.dense.clusters import Cluster
from simquay.planning.dense.cost import MOVE_COST
from simquay.planning.dense.fusion import GateNode
from simquay.planning.wires import WireGate
from simquay.program.bits import mask_of

PROFILE = Profile("dense", width=2, tile=3, low=1, costs=(1.0, 10.0, 100.0))


def cluster(*wires: int) -> Cluster:
    gate: WireGate = (0, "m", wires, (), 0, None)
    return Cluster(wires, mask_of(wires), [GateNode(wires, mask_of(wires), False, False, [gate])])


def test_wires_join_the_vector_with_the_first_pass_that_needs_them() -> None:
    plan = CandidatePlan(cluster(0), [cluster(1, 2), cluster(3, 4)], (), PROFILE)
    assert plan.start is not None
    first, second = plan.passes
    assert isinstance(first, CandidateTilePass)
    assert isinstance(second, CandidateTilePass)
    assert (first.before, first.new) == ((0, 1, 2), 2)
    assert second.before[: len(first.after)] == first.after
    assert second.new == 2
    assert sorted(plan.order) == [0, 1, 2, 3, 4]
    assert plan.order == second.after


def test_the_cost_is_that_of_moves_and_products() -> None:
    # One pass over 8 amplitudes. Its product has one column, wire 0, and so takes longer.
    one = CandidatePlan(None, [cluster(1, 2)], (0, 1, 2), PROFILE)
    assert one.cost == pytest.approx(8 * (MOVE_COST + 3.2 * 100.0))


def test_a_wide_node_is_a_pass_for_each_of_its_gates() -> None:
    gate: WireGate = (4, "m", (0, 1, 2, 3), (), 0, None)
    node = GateNode((0, 1, 2, 3), 0b1111, False, True, [gate])
    plan = CandidatePlan(None, [node], (0,), PROFILE)
    assert plan.passes == [CandidateLonePass(gate, (0, 1, 2, 3), 3)]
    assert plan.cost == MOVE_COST * 16
