"""Compiles a program into steps: blocks become jumps, and joint measurements one event."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from simquay.errors import ProgramError
from simquay.execution.branching.deferral import Deferred, commutes
from simquay.execution.branching.steps import (
    Event,
    Evolve,
    Finish,
    Gates,
    Jump,
    JumpTable,
    KrausEvent,
    LoopBegin,
    LoopNext,
    MisreadEvent,
    Noise,
    Step,
    Steps,
    measurement_event,
)
from simquay.execution.trajectories.segments import Error, Segment, segments_of
from simquay.program import (
    Body,
    Break,
    Channel,
    Continue,
    Expression,
    ForLoop,
    Gate,
    IfElse,
    Measure,
    Misread,
    Operation,
    Reset,
    Restart,
    Save,
    Store,
    Switch,
    WhileLoop,
)

__all__ = ["compile_steps", "portions"]

PLANNED_AT_ONCE = 4096
"""The most gates that one plan is made for."""


@dataclass(slots=True, eq=False)
class _Loop:
    """Where ``break`` (``exits``, to be patched) and ``continue`` (``head``) go."""

    head: int
    exits: list[Jump] = field(default_factory=list)


_Work: TypeAlias = Iterator["_Work"]


def compile_steps(deferred: Deferred) -> Steps:
    """The steps of a program whose last measurements were deferred.

    Raises:
        ProgramError: for a break or continue outside a loop.
    """
    compiler = _Compiler()
    # A generator stands for a block in progress and yields the blocks inside it: nested blocks are
    # on this list, not on Python's stack, whose depth is limited.
    stack: list[_Work] = [compiler.block(deferred.operations, None)]
    while stack:
        inner = next(stack[-1], None)
        if inner is None:
            stack.pop()
        else:
            stack.append(inner)
    compiler.flush()
    event = measurement_event(deferred.measures, deferred.misreads)
    compiler.steps.append(Finish(event, deferred.resets))
    return Steps(compiler.steps, compiler.counters)


def portions(gates: Sequence[Gate]) -> Iterator[Sequence[Gate]]:
    """``gates`` in portions, each planned at once.

    Planning cannot be cancelled, so portions are short enough that planning one takes a fraction of
    a second: a job of a million gates is cancelled between two of them. Gates of two portions are
    not fused, which costs at most a pass in thousands of gates.
    """
    for start in range(0, len(gates), PLANNED_AT_ONCE):
        yield gates[start : start + PLANNED_AT_ONCE]


class _Compiler:
    """Emits steps. Gates and one measurement event are held back until a step depends on them.

    Invariant: the gates held back come before the event held back. A gate that follows the event in
    the program but commutes with it is put before it, so that measurements become one event.
    """

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.counters = 0
        self._gates: list[Any] = []  # channels among them where it is noisy
        self._noisy = False
        self._segments: dict[tuple[int, ...], Gates] = {}
        self._noisy_segments: dict[tuple[int, ...], list[Segment]] = {}
        self._measured: set[int] = set()
        self._reset: set[int] = set()
        self._writes: list[tuple[int, int]] = []

    def flush(self) -> None:
        """Emit the gates and the event that are held back."""
        if self._noisy:
            key = tuple(map(id, self._gates))
            if key not in self._noisy_segments:
                self._noisy_segments[key] = [*segments_of(self._gates)]
            for noisy in self._noisy_segments[key]:
                self._segment(noisy)
            self._gates = []
            self._noisy = False
        elif self._gates:
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

    def block(self, block: Body, loop: _Loop | None) -> _Work:
        """Emit a block; gates and an event may be held back at its end."""
        for operation in block:
            if isinstance(operation, Gate):
                self._gate(operation)
            elif isinstance(operation, Channel):
                self._gate(operation)
                self._noisy = True
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

    def _segment(self, segment: Segment) -> None:
        """Emit the steps of gates and channels: their errors are drawn; gates and errors are
        applied; and behind each error that depends on the state, the same for the rest."""
        events: dict[Error, int] = {}
        evolving = []

        def rest(site: int) -> None:
            if site < len(segment.channels):
                self.steps.append(Noise(segment=segment, start=site))
            evolving.append(Evolve(segment, site, events))
            self.steps += (
                evolving[-1:] * 2
            )  # the second is for branches that stop, where others do not

        rest(0)
        for site, parts in enumerate(segment.state_dependent):
            jumps = []
            for part in parts:
                if part != parts[0]:
                    jumps.append(self._jump())
                events[site, part] = len(self.steps)
                channel = segment.channels[site]
                self.steps.append(
                    KrausEvent(channel=channel, operators=channel.mixture.parts[part])
                )
            for jump in jumps:
                jump.target = len(self.steps)
            if parts:
                rest(site + 1)
        for evolve in evolving:
            evolve.end = len(self.steps)

    def _gate(self, gate: Gate | Channel) -> None:
        if self._measured and not commutes(gate, self._measured, self._reset):
            self.flush()
        self._gates.append(gate)

    def _other(self, operation: Operation, loop: _Loop | None) -> _Work:
        match operation:
            case Store() | Save() | Restart():
                self.steps.append(operation)
            case Misread():
                self.steps.append(MisreadEvent.of(operation))
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

    def _test(self, condition: Expression) -> JumpTable:
        """Emit a step after which the next one runs where ``condition`` holds; the caller sets the
        entry 0 of its table, where to go if not."""
        test = JumpTable(condition, default=len(self.steps) + 1)
        self.steps.append(test)
        return test

    def _here(self) -> int:
        """The number of the next step, a jump's target: nothing may be held back across it."""
        self.flush()
        return len(self.steps)

    def _if(self, operation: IfElse, loop: _Loop | None) -> _Work:
        test = self._test(operation.condition)
        yield self.block(operation.then, loop)
        if operation.otherwise:
            self.flush()
            over = self._jump()
            test.table[0] = self._here()
            yield self.block(operation.otherwise, loop)
            over.target = self._here()
        else:
            test.table[0] = self._here()

    def _switch(self, operation: Switch, loop: _Loop | None) -> _Work:
        choose = JumpTable(operation.target)
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
        self.steps.append(LoopBegin(counter))
        loop = _Loop(self._here())
        head = LoopNext(counter, operation)
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
        test = self._test(operation.condition)
        yield self.block(operation.body, loop)
        self.flush()
        self.steps.append(Jump(loop.head))
        end = test.table[0] = self._here()
        for jump in loop.exits:
            jump.target = end
