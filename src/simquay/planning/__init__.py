"""Planning: gates become few passes over the state.

Takes a list of gate operations, the layout of a state, and the profile of an engine. Gives a
:class:`Plan` (or a :class:`SweepPlan`, for many gate lists that differ in numbers alone), which an
engine applies. Read ``plan.py`` first, then ``planner.py``, the entry.
"""

from simquay.planning.explanation import explain
from simquay.planning.numbers.sweep import Change, GateSweep
from simquay.planning.plan import GatePass, Pass, Plan, SweepPlan
from simquay.planning.planner import make_plan, make_sweep_plan
from simquay.planning.profile import Layout, Profile

__all__ = [
    "Change",
    "GatePass",
    "GateSweep",
    "Layout",
    "Pass",
    "Plan",
    "Profile",
    "SweepPlan",
    "explain",
    "make_plan",
    "make_sweep_plan",
]
