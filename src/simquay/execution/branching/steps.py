"""A program as a flat list of steps with jumps, so that a place in it is one number.

A branch of a dynamic circuit may stop anywhere, also deep inside nested loops, and go on later, or
twice. With jumps, its *place* is a step number and the counters of its loops. Nothing recurses, so
memory alone limits nesting and the number of iterations.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeAlias, Union

import numpy as np
from numpy.typing import NDArray

from simquay.engines.base import Engine, State
from simquay.execution.trajectories.segments import Error, Segment
from simquay.program import (
    Channel,
    Expression,
    ForLoop,
    Gate,
    Matrix,
    Measure,
    Misread,
    Restart,
    Save,
    Store,
)

__all__ = [
    "Event",
    "Evolve",
    "Finish",
    "Gates",
    "Jump",
    "JumpTable",
    "KrausEvent",
    "LoopBegin",
    "LoopNext",
    "MisreadEvent",
    "Noise",
    "Step",
    "Steps",
    "measurement_event",
    "steps_needing_state",
]


@dataclass(slots=True, eq=False)
class Gates:
    """Apply ``gates``; planned once for each layout that they meet."""

    gates: tuple[Gate, ...]


@dataclass(slots=True, eq=False)
class Event:
    """Measure ``qubits`` together, with one draw a shot, which splits a branch by outcome.

    Another kind of event derives from this class, with no qubits, and overrides :meth:`weights`,
    :meth:`collapse` and :meth:`words`; ``compiler.py`` makes it of its operation.

    Attributes:
        qubits: in increasing order.
        writes: ``(qubit, clbit)`` in the order of the program: a later one wins.
        resets: those of ``qubits`` that are reset to |0> afterwards.
        misreads: at the end of the program, errors of the recorded bits, with one draw each.
    """

    qubits: tuple[int, ...] = ()
    writes: tuple[tuple[int, int], ...] = ()
    resets: tuple[int, ...] = ()
    misreads: tuple[Misread, ...] = ()
    batched: ClassVar[bool] = True
    """Whether :meth:`collapse` takes several vectors; if not, branches run one by one."""

    def weights(self, engine: Engine, state: State) -> NDArray[np.float64] | None:
        """Probabilities of the outcomes for each vector, shape ``(batch, outcomes)``; None for the
        joint probabilities of ``qubits``."""
        return None

    def collapse(
        self,
        engine: Engine,
        state: Any,
        qubits: Sequence[int],
        outcomes: Sequence[int],
        probabilities: Sequence[float],
    ) -> None:
        """Change vector ``i`` of ``state``, in place, as ``outcomes[i]`` does, whose probability is
        ``probabilities[i]``: here project it, and make the resets.

        ``qubits`` are the stored ones of the event's qubits; bit ``j`` of an outcome is the value
        of ``qubits[j]``.
        """
        if not qubits:
            return
        resets = [qubit for qubit in self.resets if qubit in qubits]
        if len(outcomes) > 1:
            every = np.array(outcomes, dtype=np.int64)
            engine.project(state, qubits, every, np.array(probabilities), resets)
            return
        values = {qubit: outcomes[0] >> bit & 1 for bit, qubit in enumerate(qubits)}
        engine.collapse(state, values, probabilities[0])
        ones = [qubit for qubit in resets if values[qubit]]
        if ones:
            engine.flip(state, ones)

    def gates(self, outcome: int, probability: float) -> tuple[Gate, ...]:
        """Gates, unitary or not, that a branch of this outcome has in front of the next ones, in
        the place of :meth:`collapse`."""
        return ()

    def words(self) -> str:
        """The event as the circuit's user knows it, for messages."""
        if not self.writes:
            return f"the reset of qubit {', '.join(map(str, self.resets))}"
        pairs = ", ".join(f"qubit {qubit} into classical bit {bit}" for qubit, bit in self.writes)
        return f"the mid-circuit measurement of {pairs}"


def measurement_event(
    measures: tuple[Measure, ...], misreads: tuple[Misread, ...] = ()
) -> Event | None:
    """One event of all ``measures``, and of what is misread then; None where there are none."""
    if not measures and not misreads:
        return None
    return Event(
        tuple(sorted({measure.qubit for measure in measures})),
        tuple((measure.qubit, measure.clbit) for measure in measures),
        misreads=misreads,
    )


@dataclass(slots=True, eq=False)
class Noise(Event):
    """Draw the errors of ``segment`` from site ``start`` on, without a look at the state: the shots
    of a branch that have the same are one branch."""

    segment: Segment = field(kw_only=True)
    start: int = 0

    def words(self) -> str:
        """See :meth:`Event.words`."""
        return f"the noise on {_named({q for one in self.segment.channels for q in one.qubits})}"


@dataclass(slots=True, eq=False)
class Evolve:
    """Apply the gates of ``segment`` behind site ``start - 1`` with the errors of each branch, up
    to one that depends on the state, which is the step that ``events`` has; else go to ``end``.

    It stands twice: where some branches of a batch stop and others do not, these go first."""

    segment: Segment
    start: int
    events: dict[Error, int]
    end: int = -1


@dataclass(slots=True, eq=False)
class KrausEvent(Event):
    """A part of a channel that depends on the state: one of its Kraus operators is drawn by its
    probability, and applied with the next gates.

    Attributes:
        channel: the channel.
        operators: of the part, shape ``(operators, 2**k, 2**k)``.
    """

    channel: Channel = field(kw_only=True)
    operators: NDArray[np.complex128] = field(kw_only=True)

    def weights(self, engine: Engine, state: State) -> NDArray[np.float64]:
        """The probability of each operator; see :meth:`Event.weights`."""
        qubits = self.channel.qubits
        effects = self.operators.conj().transpose(0, 2, 1) @ self.operators
        diagonals = np.diagonal(effects, axis1=1, axis2=2)
        if np.abs(effects - diagonals[:, :, None] * np.eye(1 << len(qubits))).max() < 1e-12:
            values = engine.probabilities(state, qubits, {}) @ diagonals.real.T
        else:
            paulis, labels = [np.ones((1, 1))], [["I"] * state.num_qubits]
            for qubit in qubits:
                paulis = [np.kron(pauli, one) for pauli in _PAULIS for one in paulis]
                labels = [
                    [*label[:qubit], letter, *label[qubit + 1 :]]
                    for letter in "IXYZ"
                    for label in labels
                ]
            means = engine.expectation(state, ["".join(label[::-1]) for label in labels])
            shares = np.einsum("jab,pba->jp", effects, np.array(paulis)).real
            values = means @ shares.T / (1 << len(qubits))
        weights: NDArray[np.float64] = np.clip(values, 0.0, None)  # as rounding may leave less
        return weights

    def gates(self, outcome: int, probability: float) -> tuple[Gate, ...]:
        """The operator, so that the state has norm 1 again; see :meth:`Event.gates`."""
        return (Matrix(self.operators[outcome] * probability**-0.5, self.channel.qubits),)

    def words(self) -> str:
        """See :meth:`Event.words`."""
        return f"the noise on {_named(self.channel.qubits)}"


@dataclass(slots=True, eq=False)
class MisreadEvent(Event):
    """Classical bits in the middle are recorded with errors: the branches split by what is."""

    misread: Misread = field(kw_only=True)

    @classmethod
    def of(cls, misread: Misread) -> MisreadEvent:
        """The event, of which bit ``j`` of an outcome is ``misread.clbits[j]``."""
        return cls(writes=tuple(enumerate(misread.clbits)), misread=misread)

    def recorded(self, bits: Sequence[int]) -> NDArray[np.float64]:
        """The probability of each outcome, for branches with the classical bits ``bits``."""
        clbits = self.misread.clbits
        rows = [sum((one >> bit & 1) << j for j, bit in enumerate(clbits)) for one in bits]
        return self.misread.probabilities[rows]

    def collapse(
        self,
        engine: Engine,
        state: Any,
        qubits: Sequence[int],
        outcomes: Sequence[int],
        probabilities: Sequence[float],
    ) -> None:
        """The state stays as it is."""

    def words(self) -> str:
        """See :meth:`Event.words`."""
        return f"the readout error of classical bit {', '.join(map(str, self.misread.clbits))}"


_PAULIS = np.array([[[1, 0], [0, 1]], [[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])


def _named(qubits: Iterable[int]) -> str:
    return f"qubit {', '.join(map(str, sorted(qubits)))}"


@dataclass(slots=True, eq=False)
class Jump:
    """Go to step ``target``."""

    target: int = -1


@dataclass(slots=True, eq=False)
class JumpTable:
    """Go to the step that ``table`` has for the value of ``expression``, else to ``default``."""

    expression: Expression
    table: dict[int, int] = field(default_factory=dict)
    default: int = -1


@dataclass(slots=True, eq=False)
class LoopBegin:
    """Set loop counter ``counter`` to 0."""

    counter: int


@dataclass(slots=True, eq=False)
class LoopNext:
    """Begin the next iteration of a for loop: go to ``starts[counter]``, or to ``target`` (the
    loop's end) where there is none."""

    counter: int
    loop: ForLoop
    starts: list[int] = field(default_factory=list)
    target: int = -1


@dataclass(slots=True, eq=False)
class Finish:
    """The end: the deferred measurements, and the resets of qubits that nothing uses again."""

    event: Event | None
    resets: tuple[int, ...] = ()


Step: TypeAlias = Union[
    Gates, Event, Evolve, Store, Jump, JumpTable, LoopBegin, LoopNext, Save, Restart, Finish
]


@dataclass(slots=True, eq=False)
class Steps:
    """The steps of a program, and how many loop counters a branch has."""

    steps: list[Step]
    counters: int

    @property
    def noisy(self) -> bool:
        """Whether errors are drawn."""
        return any(isinstance(step, Noise) for step in self.steps)


def steps_needing_state(steps: Sequence[Step]) -> list[bool]:
    """For each step, whether that step or one that can follow it reads or changes the state."""
    before: list[list[int]] = [[] for _ in steps]
    needed = [False] * len(steps)
    open_places = []
    for place, step in enumerate(steps):
        for target in _next_places(place, step):
            before[target].append(place)
        reads = isinstance(step, (Gates, Event, Evolve, Save, Restart))
        if (reads and not isinstance(step, MisreadEvent)) or (
            isinstance(step, Finish) and step.event
        ):
            needed[place] = True
            open_places.append(place)
    while open_places:
        for place in before[open_places.pop()]:
            if not needed[place]:
                needed[place] = True
                open_places.append(place)
    return needed


def _next_places(place: int, step: Step) -> Iterable[int]:
    match step:
        case Finish():
            return ()
        case Jump(target):
            return (target,)
        case JumpTable(_, table, default):
            return {*table.values(), default}
        case LoopNext(_, _, starts, target):
            return {*starts, target}
        case Evolve(_, _, events, end):
            return {*events.values(), end}
        case _:
            return (place + 1,)
