"""The check of a plan against a state."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.engines.numpy.state import DenseState
from simquay.engines.protocol import check_plan
from simquay.errors import ProgramError
from simquay.planning import Layout, Plan, Profile, SweepPlan
from simquay.program import Precision

DENSE = Profile("dense")
STATE = DenseState(4, 2, Precision.DOUBLE, Layout((3,)), np.zeros((2, 4), dtype=complex))


def a_plan(begin: tuple[int, ...] = (3,), end: tuple[int, ...] = (3, 0)) -> Plan:
    return Plan(DENSE, Layout(begin), Layout(end))


def a_sweep(batch: int) -> SweepPlan:
    return SweepPlan(DENSE, Layout((3,)), Layout((3, 0)), batch)


@pytest.mark.parametrize("plan", [a_plan(), a_plan(end=()), a_sweep(2)])
def test_plans_that_fit(plan: Plan | SweepPlan) -> None:
    check_plan("mine", STATE, plan, ("gates", "dense"), 2)
    check_plan("mine", STATE, plan, ("dense",))


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (a_plan(begin=()), r"begins at layout \(\), but the state has \(3,\)"),
        (a_plan(begin=(0,)), r"begins at layout \(0,\), but the state has \(3,\)"),
        (a_plan(end=(3, 0, 1)), "stores 3 qubits in a state that was allocated for 2"),
        (a_sweep(3), "a sweep of 3 vectors cannot be applied to a state of 2"),
    ],
)
def test_plans_that_do_not_fit(plan: Plan | SweepPlan, message: str) -> None:
    with pytest.raises(ProgramError, match=message):
        check_plan("mine", STATE, plan, ("dense",), 2)


def test_a_plan_of_another_strategy() -> None:
    with pytest.raises(ProgramError, match=r"engine mine .* strategy 'gates' or 'tiled', not 'de"):
        check_plan("mine", STATE, a_plan(), ("gates", "tiled"))


def test_a_state_without_capacity_stores_any_number_of_qubits() -> None:
    check_plan("mine", STATE, a_plan(end=(3, 0, 1, 2)), ("dense",))
