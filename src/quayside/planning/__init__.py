"""Planning: gate operations → a plan for one engine's profile."""

from quayside.planning.plan import GatePass, Layout, Pass, Plan, Profile, SweepPlan
from quayside.planning.planner import make_plan, make_sweep_plan
from quayside.planning.saving import load_plan, save_plan

__all__ = [
    "GatePass",
    "Layout",
    "Pass",
    "Plan",
    "Profile",
    "SweepPlan",
    "load_plan",
    "make_plan",
    "make_sweep_plan",
    "save_plan",
]
