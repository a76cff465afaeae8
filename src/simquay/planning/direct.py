"""Plans without a search, for the first run of a small circuit's structure, and for small sweeps.

A search makes the passes of a plan cheaper. On a few qubits a pass costs little, and the search
takes longer than all of them; it pays from the second run on, when its result is kept. In a sweep
the products of gates have to be computed for each vector, which may take longer than the gates do.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from simquay.planning.numbers.sweep import Change, GateSweep
from simquay.planning.plan import Plan, SweepPlan
from simquay.planning.profile import Layout, Profile
from simquay.planning.wires import without_zeros
from simquay.program.bits import spread
from simquay.program.gates import Diagonal, GateOperation, Relabel

__all__ = ["GateListPass", "plan_direct", "plan_sweep_direct"]


@dataclass(frozen=True, slots=True, eq=False)
class GateListPass:
    """Gates on qubits, one after the other, as in the program.

    The qubits of ``order`` are stored from the start of the pass on: those that were not stored
    before are new storage bits at the top, and |0>. All qubits and controls of the gates are among
    them, and a :class:`~simquay.program.gates.Relabel` changes which storage bit a qubit has.

    In a sweep, ``changes`` are the numbers of gates that differ from vector to vector.
    """

    gates: Sequence[GateOperation]
    order: tuple[int, ...]
    changes: tuple[Change, ...] = ()


def plan_direct(gates: Sequence[GateOperation], layout: Layout, profile: Profile) -> Plan | None:
    """One :class:`GateListPass` with all gates.

    None if there are more gates than ``profile.direct``. A gate that is left out, or has fewer
    controls or wires than in ``gates``, has met qubits that are |0>.
    """
    if len(gates) > profile.direct:
        return None
    kept, _, order, final = _listed(gates, layout)
    return Plan(profile, layout, final, (GateListPass(kept, order),))


def plan_sweep_direct(sweep: GateSweep, layout: Layout, profile: Profile) -> SweepPlan:
    """As :func:`plan_direct`, for the gate lists of a sweep, of any length."""
    kept, sources, order, final = _listed(sweep.gates, layout)
    place_of = {source: place for place, source in enumerate(sources)}
    changes: list[Change] = []
    for places, numbers in sweep.changes:
        # By the bits that gates still have; a diagonal has lost those that are not stored.
        alike: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
        for number, source in enumerate(places):
            if source in place_of:
                left = kept[place_of[source]].qubits
                bits = [bit for bit, one in enumerate(sweep.gates[source].qubits) if one in left]
                alike[tuple(bits)].append(number)
        for bits_left, some in alike.items():
            moved = tuple([place_of[places[number]] for number in some])
            part = numbers if len(some) == len(places) else numbers[:, some]
            if isinstance(kept[moved[0]], Diagonal):
                part = part[:, :, spread(bits_left)]
            changes.append(Change(moved, part))
    pass_ = GateListPass(kept, order, tuple(changes))
    return SweepPlan(profile, layout, final, sweep.batch, (pass_,))


class _Listed(NamedTuple):
    """A gate list without what does nothing.

    Attributes:
        gates: those that are left, on stored qubits.
        sources: the place of each among all gates.
        order: the qubits that are stored, by their names at the start.
        final: the layout at the end.
    """

    gates: list[GateOperation]
    sources: list[int]
    order: tuple[int, ...]
    final: Layout


def _listed(gates: Sequence[GateOperation], layout: Layout) -> _Listed:
    stored = set(layout.order)  # the qubits, by their names at each gate, that may not be |0>
    new: set[int] = set()
    wires: dict[int, int] = {}  # the wire of each relabelled qubit; other qubits are their wires
    kept: list[GateOperation] = []
    sources: list[int] = []
    holds = stored.issuperset
    for place, gate in enumerate(gates):
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
        sources.append(place)
    order = layout.order + tuple(sorted(new.difference(layout.order)))
    labels = {wire: qubit for qubit, wire in wires.items()}
    final = Layout(tuple([labels.get(wire, wire) for wire in order])) if labels else Layout(order)
    return _Listed(kept, sources, order, final)
