"""The entry to planning: makes a plan of gate operations for a profile."""

from __future__ import annotations

from collections.abc import Sequence

from simquay.errors import ProgramError
from simquay.planning.cache import Finder, PlanCache
from simquay.planning.dense.search import find_dense
from simquay.planning.gatewise import plan_gates
from simquay.planning.plan import Plan, SweepPlan
from simquay.planning.profile import Layout, Profile
from simquay.planning.tiled.search import find_tiled
from simquay.program.operations import GateOperation

__all__ = ["make_plan", "make_sweep_plan", "plan_cache"]

plan_cache = PlanCache()
"""The plans of this process. They hold numbers of gates, and no reference to circuits or states."""


def make_plan(
    gates: Sequence[GateOperation],
    layout: Layout,
    profile: Profile,
    cache: PlanCache | None = plan_cache,
) -> Plan:
    """A plan that applies ``gates`` in order to a state whose layout is ``layout``.

    The plan is taken from ``cache`` if it is there; without a cache, it is always made.

    Raises:
        ProgramError: if the profile's strategy is unknown, or its numbers do not fit each other.
    """
    if profile.strategy == "gates":
        return plan_gates(gates, layout, profile)
    find = _finder(profile)
    if cache is None:
        return find(gates, layout, profile)[1]
    return cache.plan(gates, layout, profile, find)


def make_sweep_plan(
    gate_lists: Sequence[Sequence[GateOperation]],
    layout: Layout,
    profile: Profile,
    cache: PlanCache = plan_cache,
) -> SweepPlan | None:
    """One plan that applies ``gate_lists[i]`` to vector ``i`` of a state of layout ``layout``.

    The gate lists must have one structure (:func:`~simquay.planning.cache.structure_of`), which is
    not checked: they differ in the numbers of matrices, diagonals and amplitudes alone.

    Returns:
        The plan. None if there is none for such gates, numbers or strategy: each list then needs a
        separate plan.

    Raises:
        ProgramError: as :func:`make_plan`.
    """
    if profile.strategy == "gates":
        return None
    return cache.sweep(gate_lists, layout, profile, _finder(profile))


def _finder(profile: Profile) -> Finder:
    if profile.strategy == "dense":
        return find_dense
    if profile.strategy == "tiled":
        return find_tiled
    raise ProgramError(f"no planning strategy is named {profile.strategy!r}")
