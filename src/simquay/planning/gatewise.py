"""The ``gates`` strategy of the reference engine: one pass a gate, in the order of the program."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from simquay.planning.plan import GatePass, Plan
from simquay.planning.profile import Layout, Profile
from simquay.program.operations import GateOperation, Prepare, Relabel

__all__ = ["plan_gates", "resolve_controls"]


def resolve_controls(
    gate: GateOperation, stored: set[int] | frozenset[int]
) -> GateOperation | None:
    """``gate`` without the controls on qubits that are not ``stored``, which are |0>.

    None if such a control asks for 1: the gate then does nothing.
    """
    if (
        isinstance(gate, (Relabel, Prepare))
        or not gate.controls
        or stored.issuperset(gate.controls)
    ):
        return gate
    controls: list[int] = []
    state = 0
    for bit, control in enumerate(gate.controls):
        wanted = gate.control_state >> bit & 1
        if control in stored:
            state |= wanted << len(controls)
            controls.append(control)
        elif wanted:
            return None
    return dataclasses.replace(gate, controls=tuple(controls), control_state=state)


def plan_gates(gates: Sequence[GateOperation], layout: Layout, profile: Profile) -> Plan:
    """One :class:`GatePass` a gate; a qubit is stored, at the top, when a gate first needs it."""
    order = list(layout.order)
    stored = set(order)
    passes = []
    for written in gates:
        gate = resolve_controls(written, stored)
        if gate is None:
            continue
        if isinstance(gate, Relabel):
            # The content of sources[j] is in qubits[j] afterwards: only labels change.
            renamed = dict(zip(gate.sources, gate.qubits, strict=True))
            order = [renamed.get(qubit, qubit) for qubit in order]
            stored = set(order)
        elif not stored.issuperset(gate.qubits):
            new = [qubit for qubit in gate.qubits if qubit not in stored]
            order.extend(new)
            stored.update(new)
        passes.append(GatePass(gate))
    return Plan(profile, layout, Layout(tuple(order)), passes)
