"""The state that an engine works on, and the check of the plans that it gets for one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from simquay.errors import ProgramError
from simquay.planning import Layout, Plan, SweepPlan
from simquay.program import Precision

__all__ = ["State", "check_plan"]


class State(Protocol):
    """``batch`` vectors of amplitudes of one layout and precision.

    The data belong to the engine that allocated the state; only that engine reads them.
    """

    @property
    def num_qubits(self) -> int:
        """Qubits of the program, stored or not."""

    @property
    def batch(self) -> int:
        """How many vectors there are."""

    @property
    def precision(self) -> Precision:
        """The number format."""

    @property
    def layout(self) -> Layout:
        """Where each qubit is stored."""


def check_plan(
    engine: str,
    state: State,
    plan: Plan | SweepPlan,
    strategies: Sequence[str],
    capacity: int | None = None,
) -> None:
    """Check that ``plan`` can be applied to ``state``.

    Args:
        engine: the engine's name, for the message.
        state: of that engine.
        plan: what is to be applied to it.
        strategies: those of the plans that the engine applies.
        capacity: how many qubits the state can store; None for any number.

    Raises:
        ProgramError: if the plan is of another strategy, begins at another layout than the
            state's, stores more qubits than ``capacity``, or is a sweep of more or fewer vectors
            than the state has.
    """
    if plan.profile.strategy not in strategies:
        raise ProgramError(
            f"the engine {engine} applies plans of the strategy "
            f"{' or '.join(map(repr, strategies))}, not {plan.profile.strategy!r}"
        )
    layout = state.layout
    if plan.initial != layout:
        raise ProgramError(
            f"the plan begins at layout {plan.initial.order}, but the state has {layout.order}: "
            "plan from the state's layout"
        )
    if capacity is not None and len(plan.final.order) > capacity:
        raise ProgramError(
            f"the plan stores {len(plan.final.order)} qubits in a state that was allocated for "
            f"{capacity}"
        )
    if isinstance(plan, SweepPlan) and plan.vectors != state.batch:
        raise ProgramError(
            f"a sweep of {plan.vectors} vectors cannot be applied to a state of {state.batch}"
        )
