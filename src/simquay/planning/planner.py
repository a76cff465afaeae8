"""The entry to planning: makes a plan of gate operations for a profile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from simquay.errors import ProgramError
from simquay.planning.cache import Finder, PlanCache
from simquay.planning.dense.search import find_dense
from simquay.planning.gatewise import plan_gates
from simquay.planning.numbers.sweep import GateSweep
from simquay.planning.plan import Plan, SweepPlan
from simquay.planning.profile import Layout, Profile
from simquay.planning.tiled.search import find_tiled
from simquay.program.gates import Gate, GateOperation, standard_gates

__all__ = ["Strategy", "make_plan", "make_sweep_plan", "plan_cache", "register_strategy"]


class Strategy(NamedTuple):
    """A way to plan gates: one of two functions.

    Attributes:
        plan: makes a plan of gates for a layout and a profile, each time anew.
        find: finds a recipe, which is kept and serves other numbers and sweeps, and a plan.
    """

    plan: Callable[[Sequence[GateOperation], Layout, Profile], Plan] | None = None
    find: Finder | None = None


_strategies = {
    "gates": Strategy(plan=plan_gates),
    "dense": Strategy(find=find_dense),
    "tiled": Strategy(find=find_tiled),
}

plan_cache = PlanCache()
"""The plans of this process. They hold numbers of gates, and no reference to circuits or states."""


def make_plan(
    gates: Sequence[Gate],
    layout: Layout,
    profile: Profile,
    cache: PlanCache | None = plan_cache,
) -> Plan:
    """A plan that applies ``gates`` in order to a state whose layout is ``layout``.

    The plan is taken from ``cache`` if it is there; without a cache, it is always made.

    Raises:
        ProgramError: if the profile's strategy is unknown, or its numbers do not fit each other.
    """
    strategy = _strategy(profile)
    gates = standard_gates(gates)
    if strategy.plan is not None:
        return strategy.plan(gates, layout, profile)
    assert strategy.find is not None
    if cache is None:
        return strategy.find(gates, layout, profile)[1]
    return cache.plan(gates, layout, profile, strategy.find)


def make_sweep_plan(
    sweep: GateSweep,
    layout: Layout,
    profile: Profile,
    cache: PlanCache = plan_cache,
    together: bool = True,
) -> SweepPlan | None:
    """One plan that applies to each vector of a state of layout ``layout`` its gates of ``sweep``.

    ``together``: the vectors are those of one state. Otherwise each is a state by itself, to which
    :meth:`SweepPlan.of_vector` applies.

    Returns:
        The plan. None if there is none for such gates, numbers or strategy: each list then needs a
        separate plan.

    Raises:
        ProgramError: as :func:`make_plan`.
    """
    strategy = _strategy(profile)
    if strategy.find is None:
        return None
    return cache.sweep(sweep, layout, profile, strategy.find, together)


def register_strategy(name: str, strategy: Strategy) -> None:
    """Make a planning strategy known under a name, which profiles then have as ``strategy``.

    An engine's module calls this when it is imported. To register the same strategy again does
    nothing.

    Raises:
        ValueError: another strategy has the name; or the strategy has not exactly one function.
    """
    if (strategy.plan is None) == (strategy.find is None):
        raise ValueError(f"planning strategy {name!r} needs either plan or find")
    if _strategies.setdefault(name, strategy) != strategy:
        raise ValueError(f"another planning strategy is named {name!r}: choose another name")


def _strategy(profile: Profile) -> Strategy:
    strategy = _strategies.get(profile.strategy)
    if strategy is None:
        raise ProgramError(
            f"no planning strategy is named {profile.strategy!r}; known: "
            f"{', '.join(sorted(_strategies))}. An engine's module registers its own with "
            "register_strategy"
        )
    return strategy
