"""Planning: gate operations → a plan for one engine's profile."""

from simquay.planning.plan import GatePass, Layout, Pass, Plan, Profile, SweepPlan
from simquay.planning.planner import make_plan, make_sweep_plan
from simquay.planning.saving import load_plan, save_plan

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
