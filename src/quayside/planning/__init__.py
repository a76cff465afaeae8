"""Planning: gate operations → a plan for one engine's profile."""

from quayside.planning.plan import GatePass, Layout, Pass, Plan, Profile
from quayside.planning.planner import make_plan

__all__ = ["GatePass", "Layout", "Pass", "Plan", "Profile", "make_plan"]
