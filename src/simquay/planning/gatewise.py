"""The ``gates`` strategy of the reference engine: one pass a gate, in the order of the program."""

from __future__ import annotations

from collections.abc import Sequence

from simquay.planning.plan import GatePass, Plan
from simquay.planning.profile import Layout, Profile
from simquay.planning.wires import without_zeros
from simquay.program.gates import GateOperation, Relabel

__all__ = ["plan_gates"]


def plan_gates(gates: Sequence[GateOperation], layout: Layout, profile: Profile) -> Plan:
    """One :class:`GatePass` a gate; a qubit is stored, at the top, when a gate first needs it."""
    order = layout.order
    passes = []
    for gate in gates:
        if isinstance(gate, Relabel):
            order = gate.renamed(order)
        else:
            found = without_zeros(gate, order)
            if found is None:
                continue
            gate = found
            order += tuple([qubit for qubit in gate.qubits if qubit not in order])
        passes.append(GatePass(gate))
    return Plan(profile, layout, Layout(order), passes)
