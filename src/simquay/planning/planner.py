"""The entry to planning: gate operations → a plan for a profile."""

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
"""The plans of this process. It holds numbers of gates, nothing of circuits or states."""


def make_plan(
    gates: Sequence[GateOperation],
    layout: Layout,
    profile: Profile,
    cache: PlanCache | None = plan_cache,
) -> Plan:
    """A plan that applies ``gates`` in order to a state whose layout is ``layout``.

    Plans are taken from ``cache`` where they can be; None plans afresh.

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

    The gate lists have one structure (:func:`~simquay.planning.cache.structure_of`), for which the
    caller answers: they differ in the numbers of matrices, diagonals and amplitudes alone.

    Returns:
        The plan; None where there is none for such gates, numbers or strategy, and each list wants
        a plan of its own.

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
