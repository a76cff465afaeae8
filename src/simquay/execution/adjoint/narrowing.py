"""Narrowing: on the way back through a circuit, qubits are |0> again once all their gates are
undone.

``psi`` is then 0 where such a qubit is |1>, so that nothing of ``lambda`` there counts, and neither
must be kept: the state needs half the amplitudes for each such qubit. So the gates that some qubits
wait for are undone first, and the others on a smaller state: as a state that grows on its way
through a circuit does most of its work while it is small.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import NamedTuple

from simquay.execution.adjoint.ways import Back
from simquay.program import Gate, Prepare
from simquay.program.bits import mask_of

__all__ = ["Step", "find_steps"]

_CUT = 1 << 20
"""What a cut costs in a step, in amplitudes times gates, beside its passes: some 0.2 milliseconds
of a compiled engine."""

_PASSES = 10
"""The passes of a cut take as long as so many gates on all amplitudes."""

_LEAST = 8
"""Stored qubits below which a state need not be smaller."""


class Step(NamedTuple):
    """A part of the way back.

    Attributes:
        places: of the gates to undo, increasing.
        dropped: the qubits that are |0> afterwards, and on which no gate is left.
    """

    places: Sequence[int]
    dropped: tuple[int, ...]


def find_steps(
    gates: Sequence[Gate | Back], wanted: Collection[int], order: Sequence[int]
) -> list[Step]:
    """The steps that take the least time.

    Args:
        gates: of the circuit.
        wanted: the places of those whose generators are read.
        order: the qubits that the state stores after them. The highest are dropped first: a state
            that grew has those there that came last.
    """
    count, every = len(order), range(len(gates))
    if len(gates) << count < _CUT:
        return [Step(every, ())]
    # Generators on one qubit need as many cuts, at most.
    on_one = Counter([qubit for place in wanted for qubit in gates[place].qubits])
    cuts = max(on_one.values(), default=0)
    prepared = {qubit for gate in gates if isinstance(gate, Prepare) for qubit in gate.qubits}
    waits = {
        size: _waits_for(gates, mask_of([q for q in order[size:] if q not in prepared]))
        for size in range(_LEAST, count)
    }
    waits[count] = [False] * len(gates)
    gone = {size: sum(own) for size, own in waits.items()}
    # By the size of a state: the least cost of all that is left, and the next size.
    best: dict[int, tuple[int, int]] = {}
    for size in range(_LEAST, count + 1):
        passes = cuts * (_CUT + (_PASSES << size))
        options = [((len(gates) - gone[size]) << size, 0)]
        options += [
            ((gone[after] - gone[size] << size) + best[after][0], after)
            for after in range(_LEAST, size)
        ]
        least, after = min(options)
        best[size] = least + passes, after
    steps: list[Step] = []
    size = count
    while after := best[size][1]:
        places = [place for place in every if waits[after][place] and not waits[size][place]]
        dropped = tuple([qubit for qubit in order[after:size] if qubit not in prepared])
        steps.append(Step(places, dropped))
        size = after
    return [*steps, Step([place for place in every if not waits[size][place]], ())]


def _waits_for(gates: Sequence[Gate | Back], qubits: int) -> list[bool]:
    """Whether each of ``gates`` must be undone before all gates on ``qubits``, a mask, are: those
    gates themselves, and what comes after them and does not commute with them."""
    found = []
    moved, seen = qubits, qubits  # whose later gates must be: those that move amplitudes, and all
    for gate in gates:
        every = mask_of((*gate.qubits, *gate.controls))
        moves = 0 if gate.is_diagonal else mask_of(gate.qubits)
        needed = bool(every & seen or moves & moved)
        found.append(needed)
        if needed:
            moved |= every
            seen |= moves
    return found
