"""Plans without a search, for the first run of a small circuit's structure.

A search makes the passes of a plan cheaper. On a few qubits a pass costs little, and the search
takes longer than all of them; it pays from the second run on, when its result is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from simquay.planning.plan import Plan
from simquay.planning.profile import Layout, Profile
from simquay.planning.wires import without_zeros
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

    None if there are more gates than ``profile.direct``. A gate that is left out, or has fewer
    controls or wires than in ``gates``, has met qubits that are |0>.
    """
    if len(gates) > profile.direct:
        return None
    stored = set(layout.order)  # the qubits, by their names at each gate, that may not be |0>
    new: set[int] = set()
    wires: dict[int, int] = {}  # the wire of each relabelled qubit; other qubits are their wires
    kept: list[GateOperation] = []
    holds = stored.issuperset
    for gate in gates:
        if type(gate) is Relabel:
            moved = [wires.get(source, source) for source in gate.sources]
            wires.update(zip(gate.qubits, moved, strict=True))
            stored = set(gate.renamed(stored))
            holds = stored.issuperset
        elif not holds(gate.qubits) or (gate.controls and not holds(gate.controls)):
            found = without_zeros(gate, stored)
            if found is None:
                continue
            gate = found
            new.update([wires.get(qubit, qubit) for qubit in gate.qubits])
            stored.update(gate.qubits)
        kept.append(gate)
    order = layout.order + tuple(sorted(new.difference(layout.order)))
    labels = {wire: qubit for qubit, wire in wires.items()}
    final = Layout(tuple([labels.get(wire, wire) for wire in order])) if labels else Layout(order)
    return Plan(profile, layout, final, (GateListPass(kept, order),))
