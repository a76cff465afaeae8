"""Costs of clusters: the profile's, or the planner's own."""

from __future__ import annotations

from simquay.planning import Profile
from simquay.planning.dense.cost import DEFAULT_CLUSTER_COSTS, cluster_costs


def test_there_is_a_cost_for_each_width_that_the_profile_allows() -> None:
    assert cluster_costs(Profile("dense", width=2, tile=4)) == DEFAULT_CLUSTER_COSTS[:3]


def test_costs_of_the_profile_come_first() -> None:
    profile = Profile("dense", width=1, tile=4, costs=(1.0, 2.0, 3.0))
    assert cluster_costs(profile) == (1.0, 2.0)


def test_a_wider_cluster_costs_more() -> None:
    assert list(DEFAULT_CLUSTER_COSTS) == sorted(DEFAULT_CLUSTER_COSTS)
