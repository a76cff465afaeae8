"""The ``gates`` strategy of the reference engine: one pass a gate, in the order of the program."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from simquay.planning.plan import GatePass, Plan
from simquay.planning.profile import Layout, Profile
from simquay.planning.wires import resolve_controls
from simquay.program.operations import GateOperation, Prepare, Relabel

__all__ = ["plan_gates"]


def _resolved(gate: GateOperation, stored: tuple[int, ...]) -> GateOperation | None:
    """``gate`` without the controls on qubits that are not ``stored``, which are |0>.

    None if such a control asks for 1: the gate then does nothing.
    """
    if isinstance(gate, (Relabel, Prepare)) or set(stored).issuperset(gate.controls):
        return gate
    found = resolve_controls(gate.controls, gate.control_state, stored)
    return found and dataclasses.replace(gate, controls=found[0], control_state=found[1])


def plan_gates(gates: Sequence[GateOperation], layout: Layout, profile: Profile) -> Plan:
    """One :class:`GatePass` a gate; a qubit is stored, at the top, when a gate first needs it."""
    order = layout.order
    passes = []
    for written in gates:
        gate = _resolved(written, order)
        if gate is None:
            continue
        if isinstance(gate, Relabel):
            order = gate.renamed(order)
        else:
            order += tuple([qubit for qubit in gate.qubits if qubit not in order])
        passes.append(GatePass(gate))
    return Plan(profile, layout, Layout(order), passes)
