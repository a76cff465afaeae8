"""Plans without a search, for the first run of a small circuit's structure.

A search makes the passes of a plan cheaper. On a few qubits a pass costs little, and the search
takes longer than all of them; it pays from the second run on, when its result is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from simquay.planning.plan import Plan
from simquay.planning.profile import Layout, Profile
from simquay.program.operations import GateOperation, Relabel

__all__ = ["GateListPass", "plan_direct"]


@dataclass(frozen=True, slots=True, eq=False)
class GateListPass:
    """Gates on qubits, one after the other, as in the program.

    The qubits of ``order`` are stored from the start of the pass on: those that were not stored
    before are new storage bits at the top, and |0>. All qubits and controls of the gates are among
    them, and a :class:`~simquay.program.operations.Relabel` changes which storage bit a qubit has.
    """

    gates: Sequence[GateOperation]
    order: tuple[int, ...]


def plan_direct(gates: Sequence[GateOperation], layout: Layout, profile: Profile) -> Plan | None:
    """One :class:`GateListPass` with all gates.

    None if there are more gates than ``profile.direct``, or if a gate has a control that no gate
    takes out of |0>: a search removes such controls.
    """
    if len(gates) > profile.direct:
        return None
    touched = set(layout.order)
    controls: set[int] = set()
    wires: dict[int, int] = {}  # the wire of each relabelled qubit; other qubits are their wires
    for gate in gates:
        if isinstance(gate, Relabel):
            moved = [wires.get(source, source) for source in gate.sources]
            wires.update(zip(gate.qubits, moved, strict=True))
            continue
        if wires:
            touched.update([wires.get(qubit, qubit) for qubit in gate.qubits])
        else:
            touched.update(gate.qubits)
        if gate.controls:
            controls.update([wires.get(qubit, qubit) for qubit in gate.controls])
    if not controls <= touched:
        return None
    order = layout.order + tuple(sorted(touched.difference(layout.order)))
    labels = {wire: qubit for qubit, wire in wires.items()}
    final = Layout(tuple([labels.get(wire, wire) for wire in order])) if labels else Layout(order)
    return Plan(profile, layout, final, (GateListPass(gates, order),))
