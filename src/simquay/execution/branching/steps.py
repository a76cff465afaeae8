"""A program as a flat list of steps with jumps, so that a place in it is one number.

A branch of a dynamic circuit stops anywhere, also deep inside nested loops, and goes on later, or
twice. With jumps its place is a step number and the counters of its loops; nothing recurses, so
nesting and the number of iterations have no limit but memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, Union

from simquay.errors import ProgramError
from simquay.execution.branching.deferral import Deferred, commutes
from simquay.program import (
    Block,
    Break,
    Continue,
    Diagonal,
    Expression,
    ForLoop,
    GateOperation,
    IfElse,
    Matrix,
    Measure,
    Operation,
    Permutation,
    Prepare,
    Relabel,
    Reset,
    Save,
    Store,
    Switch,
    WhileLoop,
)

__all__ = [
    "Assign",
    "Choose",
    "Enter",
    "Event",
    "Finish",
    "Gates",
    "Iterate",
    "Jump",
    "JumpUnless",
    "Keep",
    "Step",
    "Steps",
    "compile_steps",
    "places_that_need_the_state",
    "portions",
]


@dataclass(slots=True, eq=False)
class Gates:
    """Apply ``gates``; planned once for each layout that they meet."""

    gates: tuple[GateOperation, ...]


@dataclass(slots=True, eq=False)
class Event:
    """Measure ``qubits`` (increasing) together, with one draw a shot.

    ``writes`` are ``(qubit, clbit)`` in the order of the program: a later one wins. ``resets`` are
    those of ``qubits`` that are |0> afterwards.
    """

    qubits: tuple[int, ...]
    writes: tuple[tuple[int, int], ...]
    resets: tuple[int, ...] = ()


@dataclass(slots=True, eq=False)
class Assign:
    """A classical store."""

    store: Store


@dataclass(slots=True, eq=False)
class Jump:
    """Go to step ``target``."""

    target: int = -1


@dataclass(slots=True, eq=False)
class JumpUnless:
    """Go to step ``target`` unless ``condition`` holds."""

    condition: Expression
    target: int = -1


@dataclass(slots=True, eq=False)
class Choose:
    """Go to the step that ``table`` has for the value of ``expression``, else to ``default``."""

    expression: Expression
    table: dict[int, int] = field(default_factory=dict)
    default: int = -1


@dataclass(slots=True, eq=False)
class Enter:
    """Set loop counter ``counter`` to 0."""

    counter: int


@dataclass(slots=True, eq=False)
class Iterate:
    """Begin the next iteration of a for loop: go to ``starts[counter]``, or to ``target`` (the
    loop's end) where there is none."""

    counter: int
    loop: ForLoop
    starts: list[int] = field(default_factory=list)
    target: int = -1


@dataclass(slots=True, eq=False)
class Keep:
    """Save the state vector under ``key``."""

    key: str


@dataclass(slots=True, eq=False)
class Finish:
    """The end: the deferred measurements, and the resets of qubits that nothing uses again."""

    event: Event | None
    resets: tuple[int, ...] = ()


Step: TypeAlias = Union[
    Gates, Event, Assign, Jump, JumpUnless, Choose, Enter, Iterate, Keep, Finish
]


@dataclass(slots=True, eq=False)
class Steps:
    """The steps of a program, and how many loop counters a branch has."""

    steps: list[Step]
    counters: int


@dataclass(slots=True, eq=False)
class _Loop:
    """Where ``break`` (``exits``, to be patched) and ``continue`` (``head``) go."""

    head: int
    exits: list[Jump] = field(default_factory=list)


def places_that_need_the_state(steps: Sequence[Step]) -> list[bool]:
    """For each step: may what is done from there on still look at the state, or change it?"""
    before: list[list[int]] = [[] for _ in steps]
    needed = [False] * len(steps)
    open_places = []
    for place, step in enumerate(steps):
        for target in _next_places(place, step):
            before[target].append(place)
        if isinstance(step, (Gates, Event, Keep)) or (isinstance(step, Finish) and step.event):
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
        case JumpUnless(_, target):
            return (place + 1, target)
        case Choose(_, table, default):
            return {*table.values(), default}
        case Iterate(_, _, starts, target):
            return {*starts, target}
        case _:
            return (place + 1,)


PLANNED_AT_ONCE = 4096
"""The most gates that one plan is made for."""

_Work: TypeAlias = Iterator["_Work"]


def compile_steps(deferred: Deferred) -> Steps:
    """The steps of a program whose measurements were deferred.

    Raises:
        ProgramError: for a break or continue outside a loop.
    """
    compiler = _Compiler()
    # A generator stands for a block in progress and yields the blocks inside it, so that nested
    # blocks take a list's place instead of Python's stack.
    stack: list[_Work] = [compiler.block(deferred.operations, None)]
    while stack:
        inner = next(stack[-1], None)
        if inner is None:
            stack.pop()
        else:
            stack.append(inner)
    compiler.flush()
    compiler.steps.append(Finish(measurement_event(deferred.measures), deferred.resets))
    return Steps(compiler.steps, compiler.counters)


def measurement_event(measures: tuple[Measure, ...]) -> Event | None:
    """One event of all ``measures``; None where there are none."""
    if not measures:
        return None
    return Event(
        tuple(sorted({measure.qubit for measure in measures})),
        tuple((measure.qubit, measure.clbit) for measure in measures),
    )


def portions(gates: Sequence[GateOperation]) -> Iterator[Sequence[GateOperation]]:
    """``gates`` in runs that are planned at once.

    Planning looks at no control, so a run is short enough that it takes a fraction of a second: a
    job of a million gates is cancelled between two runs. The gates on both sides of such a border
    are not fused, which costs at most a pass in thousands of gates.
    """
    for start in range(0, len(gates), PLANNED_AT_ONCE):
        yield gates[start : start + PLANNED_AT_ONCE]


class _Compiler:
    """Emits steps. Gates and one measurement event wait until something must see them done.

    Invariant: the waiting gates come before the waiting event. A gate that comes after it in the
    program but commutes with it waits in front of it, so that measurements grow together.
    """

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.counters = 0
        self._gates: list[GateOperation] = []
        self._segments: dict[tuple[int, ...], Gates] = {}
        self._measured: set[int] = set()
        self._reset: set[int] = set()
        self._writes: list[tuple[int, int]] = []

    def flush(self) -> None:
        """Emit what waits."""
        if self._gates:
            for gates in portions(self._gates):
                key = tuple(map(id, gates))
                # The same gates again (a shared body) are the same step, and are planned once.
                segment = self._segments.get(key)
                if segment is None:
                    segment = self._segments[key] = Gates(tuple(gates))
                self.steps.append(segment)
            self._gates = []
        if self._measured:
            self.steps.append(
                Event(
                    tuple(sorted(self._measured)),
                    tuple(self._writes),
                    tuple(sorted(self._reset)),
                )
            )
            self._measured = set()
            self._reset = set()
            self._writes = []

    def block(self, block: Block, loop: _Loop | None) -> _Work:
        """Emit a block; what waits at its end may go on waiting."""
        for operation in block:
            if isinstance(operation, (Matrix, Diagonal, Permutation, Relabel, Prepare)):
                self._gate(operation)
            elif isinstance(operation, Measure):
                if operation.qubit in self._reset:
                    self.flush()
                self._measured.add(operation.qubit)
                self._writes.append((operation.qubit, operation.clbit))
            elif isinstance(operation, Reset):
                self._measured.add(operation.qubit)
                self._reset.add(operation.qubit)
            else:
                self.flush()
                yield from self._other(operation, loop)

    def _gate(self, gate: GateOperation) -> None:
        if self._measured and not commutes(gate, self._measured, self._reset):
            self.flush()
        self._gates.append(gate)

    def _other(self, operation: Operation, loop: _Loop | None) -> _Work:
        match operation:
            case Store():
                self.steps.append(Assign(operation))
            case Save(key):
                self.steps.append(Keep(key))
            case IfElse():
                yield self._if(operation, loop)
            case Switch():
                yield self._switch(operation, loop)
            case ForLoop():
                yield self._for(operation)
            case WhileLoop():
                yield self._while(operation)
            case Break() | Continue():
                if loop is None:
                    word = type(operation).__name__.lower()
                    raise ProgramError(f"'{word}' stands outside every loop")
                if isinstance(operation, Break):
                    loop.exits.append(self._jump())
                else:
                    self.steps.append(Jump(loop.head))
            case _:
                raise ProgramError(f"a program cannot hold a {type(operation).__name__}")

    def _jump(self) -> Jump:
        jump = Jump()
        self.steps.append(jump)
        return jump

    def _here(self) -> int:
        """The number of the next step; nothing may wait across a place that is jumped to."""
        self.flush()
        return len(self.steps)

    def _if(self, operation: IfElse, loop: _Loop | None) -> _Work:
        test = JumpUnless(operation.condition)
        self.steps.append(test)
        yield self.block(operation.then, loop)
        if operation.otherwise:
            self.flush()
            over = self._jump()
            test.target = self._here()
            yield self.block(operation.otherwise, loop)
            over.target = self._here()
        else:
            test.target = self._here()

    def _switch(self, operation: Switch, loop: _Loop | None) -> _Work:
        choose = Choose(operation.target)
        self.steps.append(choose)
        ends = []
        for case in operation.cases:
            start = self._here()
            if case.values is None:
                if choose.default < 0:
                    choose.default = start
            elif choose.default < 0:  # a default that stands before it takes every value
                for value in case.values:
                    choose.table.setdefault(value, start)
            yield self.block(case.body, loop)
            self.flush()
            ends.append(self._jump())
        end = self._here()
        for jump in ends:
            jump.target = end
        if choose.default < 0:
            choose.default = end

    def _for(self, operation: ForLoop) -> _Work:
        counter = self.counters
        self.counters += 1
        self.steps.append(Enter(counter))
        loop = _Loop(self._here())
        head = Iterate(counter, operation)
        self.steps.append(head)
        starts: dict[int, int] = {}
        for body in operation.bodies:
            if id(body) not in starts:
                starts[id(body)] = self._here()
                yield self.block(body, loop)
                self.flush()
                self.steps.append(Jump(loop.head))
        head.starts = [starts[id(body)] for body in operation.bodies]
        head.target = self._here()
        for jump in loop.exits:
            jump.target = head.target

    def _while(self, operation: WhileLoop) -> _Work:
        loop = _Loop(self._here())
        test = JumpUnless(operation.condition)
        self.steps.append(test)
        yield self.block(operation.body, loop)
        self.flush()
        self.steps.append(Jump(loop.head))
        test.target = self._here()
        for jump in loop.exits:
            jump.target = test.target
