"""The entry to planning: gate operations → a plan for a profile."""

from __future__ import annotations

from collections.abc import Sequence

from quayside.errors import ProgramError
from quayside.planning.dense import plan_dense
from quayside.planning.gatewise import plan_gates
from quayside.planning.plan import Layout, Plan, Profile
from quayside.planning.tile import plan_tiled
from quayside.program.operations import GateOperation

__all__ = ["make_plan"]


def make_plan(gates: Sequence[GateOperation], layout: Layout, profile: Profile) -> Plan:
    """A plan that applies ``gates`` in order to a state whose layout is ``layout``."""
    if profile.strategy == "gates":
        return plan_gates(gates, layout, profile)
    if profile.strategy == "dense":
        return plan_dense(gates, layout, profile)
    if profile.strategy == "tiled":
        return plan_tiled(gates, layout, profile)
    raise ProgramError(f"no planning strategy is named {profile.strategy!r}")
