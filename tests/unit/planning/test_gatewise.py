"""The ``gates`` strategy: one pass a gate, and layouts that follow."""

from __future__ import annotations

import numpy as np

from simquay.planning import GatePass, Layout, Plan, Profile, make_plan
from simquay.program import Permutation, Prepare, Relabel
from simquay.program.gates import GateOperation
from tests.support.small_gates import NOT, cx, h


def plan_of(gates: list[GateOperation], *order: int) -> Plan:
    return make_plan(gates, Layout(order), Profile("gates"))


def gates_of(plan: Plan) -> list[GateOperation]:
    found = []
    for pass_ in plan.passes:
        assert isinstance(pass_, GatePass)
        found.append(pass_.gate)
    return found


def test_qubits_are_stored_when_a_gate_first_needs_them() -> None:
    gates: list[GateOperation] = [h(3), cx(3, 1), h(0)]
    plan = plan_of(gates, 2)
    assert gates_of(plan) == gates
    assert plan.final.order == (2, 3, 1, 0)


def test_a_relabel_renames_stored_qubits() -> None:
    # The content of qubit 1 goes to 0, that of 2 to 1, and that of 0, which is |0>, to 2.
    plan = plan_of([Relabel((0, 1, 2), (1, 2, 0))], 1, 2)
    assert plan.final.order == (0, 1)


def test_controls_on_zeros_are_resolved() -> None:
    gate = Permutation(NOT, (0,), (1, 2, 3), 0b101)
    (found,) = gates_of(plan_of([gate], 0, 1, 3))
    assert isinstance(found, Permutation)
    assert (found.controls, found.control_state) == ((1, 3), 0b11)
    assert gates_of(plan_of([gate], 0, 1, 2)) == []  # the control on qubit 3 asks for 1
    assert gates_of(plan_of([gate], 1, 2, 3))[0] is gate
    prepare = Prepare(np.array([0, 1j]), (4,))
    assert gates_of(plan_of([prepare]))[0] is prepare
