"""The entry to planning: gate operations → a plan for a profile."""

from __future__ import annotations

from collections.abc import Sequence

from quayside.errors import ProgramError
from quayside.planning.cache import Finder, PlanCache
from quayside.planning.dense import find_dense
from quayside.planning.gatewise import plan_gates
from quayside.planning.plan import Layout, Plan, Profile
from quayside.planning.tile import find_tiled
from quayside.program.operations import GateOperation

__all__ = ["make_plan", "plan_cache"]

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
    if profile.strategy == "dense":
        find: Finder = find_dense
    elif profile.strategy == "tiled":
        find = find_tiled
    else:
        raise ProgramError(f"no planning strategy is named {profile.strategy!r}")
    if cache is None:
        return find(gates, layout, profile)[1]
    return cache.plan(gates, layout, profile, find)
