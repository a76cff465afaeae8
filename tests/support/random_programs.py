"""Random programs of every kind of operation, from a seed or from hypothesis.

Generation draws from a small interface (:class:`Chooser`), which a seeded NumPy generator and
hypothesis both implement; so both give the same kinds of programs, and hypothesis can shrink.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from simquay.program import (
    Body,
    Break,
    Continue,
    Diagonal,
    ForLoop,
    GateOperation,
    IfElse,
    Matrix,
    Measure,
    Operation,
    Permutation,
    Prepare,
    Program,
    Relabel,
    Reset,
    Store,
    Switch,
    SwitchCase,
    VariableDeclaration,
    WhileLoop,
)
from simquay.program.expressions import (
    Binary,
    BitRef,
    Constant,
    Expression,
    Kind,
    RegisterRef,
    Type,
    Unary,
    VariableRef,
)

__all__ = [
    "Chooser",
    "Seeded",
    "dynamic_programs",
    "gate_lists",
    "random_dynamic_program",
    "random_gates",
    "random_unitary",
    "random_unitary_program",
    "unitary_programs",
]

_BOOL = Type(Kind.BOOL)
_COUNTER = Type(Kind.UINT, 3)
_MAX_DEPTH = 3
_FLAG = VariableRef(_MAX_DEPTH, _BOOL)


class Chooser(Protocol):
    """Where a generator's decisions come from."""

    def integer(self, low: int, high: int) -> int:
        """An integer from ``low`` to ``high``, both included."""

    def generator(self) -> np.random.Generator:
        """For numbers that are not worth shrinking: the entries of a matrix."""


class Seeded:
    """Decisions of a seeded NumPy generator."""

    def __init__(self, seed: int) -> None:
        self._generator = np.random.default_rng(seed)

    def integer(self, low: int, high: int) -> int:
        return int(self._generator.integers(low, high + 1))

    def generator(self) -> np.random.Generator:
        return self._generator


class _Drawn:
    """Decisions of hypothesis."""

    def __init__(self, draw: Any) -> None:
        self._draw = draw

    def integer(self, low: int, high: int) -> int:
        return int(self._draw(st.integers(low, high)))

    def generator(self) -> np.random.Generator:
        return np.random.default_rng(self._draw(st.integers(0, 2**16)))


def random_unitary(size: int, generator: np.random.Generator) -> NDArray[np.complex128]:
    """A unitary matrix of shape ``(size, size)``, by the QR decomposition of a Gaussian one."""
    gaussian = generator.normal(size=(size, size)) + 1j * generator.normal(size=(size, size))
    q, r = np.linalg.qr(gaussian)
    diagonal = np.diagonal(r)
    unitary: NDArray[np.complex128] = q * (diagonal / np.abs(diagonal))
    return unitary


def _some(chooser: Chooser, items: list[int], count: int) -> tuple[int, ...]:
    """``count`` of ``items``, without repetition, in any order."""
    left = list(items)
    return tuple(left.pop(chooser.integer(0, len(left) - 1)) for _ in range(count))


def _gate(chooser: Chooser, num_qubits: int, fresh: set[int]) -> GateOperation:
    """Any gate; ``fresh`` qubits are |0> and may be prepared. Takes the gate's from ``fresh``."""
    qubits = list(range(num_qubits))
    kind = chooser.integer(0, 5)
    ready = sorted(fresh)
    gate: GateOperation
    if kind == 5 and ready:
        chosen = _some(chooser, ready, chooser.integer(1, min(3, len(ready))))
        vector = random_unitary(1 << len(chosen), chooser.generator())[0]
        fresh.difference_update(chosen)
        return Prepare(vector, chosen)
    if kind == 4 and num_qubits >= 2:
        chosen = _some(chooser, qubits, chooser.integer(2, min(4, num_qubits)))
        gate = Relabel(chosen, _some(chooser, list(chosen), len(chosen)))
        fresh.difference_update(chosen)
        return gate
    width = chooser.integer(min(1, num_qubits) if kind == 2 else 0, min(3, num_qubits))
    chosen = _some(chooser, qubits, width)
    others = [qubit for qubit in qubits if qubit not in chosen]
    controls: tuple[int, ...] = ()
    if others and chooser.integer(0, 1):
        controls = _some(chooser, others, chooser.integer(1, min(3, len(others))))
    state = chooser.integer(0, (1 << len(controls)) - 1) if controls else 0
    size = 1 << width
    fresh.difference_update(chosen)
    if kind == 1:
        diagonal = np.exp(1j * chooser.generator().uniform(0, 2 * np.pi, size))
        return Diagonal(diagonal, chosen, controls, state)
    if kind == 2:
        return Permutation(chooser.generator().permutation(size), chosen, controls, state)
    return Matrix(random_unitary(size, chooser.generator()), chosen, controls, state)


def _gates(chooser: Chooser, num_qubits: int, count: int) -> tuple[GateOperation, ...]:
    fresh = set(range(num_qubits))
    return tuple(_gate(chooser, num_qubits, fresh) for _ in range(count))


def random_gates(num_qubits: int, count: int, seed: int) -> tuple[GateOperation, ...]:
    """``count`` gates of every kind, for a state that begins as |0…0>."""
    return _gates(Seeded(seed), num_qubits, count)


def random_unitary_program(
    num_qubits: int, count: int, seed: int, *, measure: bool = False
) -> Program:
    """A program of ``count`` gates; with ``measure``, all qubits into clbits at the end."""
    measures = tuple(Measure(q, q) for q in range(num_qubits)) if measure else ()
    gates = random_gates(num_qubits, count, seed)
    return Program(num_qubits, len(measures), (*gates, *measures), name=f"unitary{seed}")


@dataclass
class _Writer:
    """Writes blocks of a dynamic program.

    Variable ``d - 1`` is a Uint that while loops at depth ``d`` count down; then come a Bool and
    the variable of for loops.
    """

    chooser: Chooser
    num_qubits: int
    num_clbits: int
    fresh: set[int]

    def block(self, count: int, depth: int, loop: bool) -> Body:
        operations: list[Operation] = []
        for _ in range(count):
            operations += self.operation(depth, loop)
        return tuple(operations)

    def operation(self, depth: int, loop: bool) -> list[Operation]:
        choose = self.chooser.integer
        kind = choose(0, 13)
        if self.num_qubits and kind in (6, 7):
            return [Measure(self.qubit(), self.clbit())] if self.num_clbits else []
        if self.num_qubits and kind == 8:
            qubit = self.qubit()
            if depth == 0:
                self.fresh.add(qubit)
            return [Reset(qubit)]
        if kind == 9:
            return [self.store()]
        if kind == 10 and loop:
            leave = Break() if choose(0, 1) else Continue()
            return [IfElse(self.condition(), (leave,))]
        if kind >= 11 and depth < _MAX_DEPTH:
            return self.nested(depth + 1, loop)
        # Inside control flow nothing is known to be |0>: it may run twice, or not at all.
        fresh = self.fresh if depth == 0 else set()
        gate = _gate(self.chooser, self.num_qubits, fresh)
        self.fresh.difference_update(gate.qubits)
        return [gate]

    def nested(self, depth: int, loop: bool) -> list[Operation]:
        choose = self.chooser.integer
        kind = choose(0, 3)
        size = choose(0, 3)
        if kind == 0:
            otherwise = self.block(size, depth, loop) if choose(0, 1) else ()
            return [IfElse(self.condition(), self.block(choose(0, 3), depth, loop), otherwise)]
        if kind == 1:
            cases = [
                SwitchCase((0, 3), self.block(choose(0, 2), depth, loop)),
                SwitchCase((1,), self.block(choose(0, 2), depth, loop)),
            ]
            if choose(0, 1):
                cases.append(SwitchCase(None, self.block(choose(0, 2), depth, loop)))
            return [Switch(self.register(), tuple(cases))]
        if kind == 2:
            body = self.block(size, depth, True)
            if choose(0, 1):
                values = tuple(range(choose(0, 3)))
                return [ForLoop((body,) * len(values), _MAX_DEPTH + 1, values)]
            return [ForLoop((body, self.block(choose(0, 2), depth, True), body))]
        # count = 2; while (count > 0 && condition) { count = count - 1; ... }, so that every loop
        # ends; a loop inside this one is deeper, and counts with another variable.
        counter = VariableRef(depth - 1, _COUNTER)
        positive = Binary(">", counter, Constant(0, _COUNTER), _BOOL)
        down = Store(counter, Binary("-", counter, Constant(1, _COUNTER), _COUNTER))
        condition = Binary("&&", positive, self.condition(), _BOOL)
        body = (down, *self.block(size, depth, True))
        return [Store(counter, Constant(2, _COUNTER)), WhileLoop(condition, body)]

    def store(self) -> Store:
        if self.num_clbits and self.chooser.integer(0, 1):
            return Store(BitRef(self.clbit()), self.condition())
        return Store(_FLAG, self.condition())

    def condition(self) -> Expression:
        kind = self.chooser.integer(0, 4)
        if kind == 0 or not self.num_clbits:
            return _FLAG
        bit = BitRef(self.clbit())
        if kind == 1:
            return bit
        if kind == 2:
            return Unary("!", bit, _BOOL)
        if kind == 3:
            return Binary("^", bit, _FLAG, _BOOL)
        value = Constant(self.chooser.integer(0, 3), Type(Kind.UINT, 2))
        return Binary("<=", self.register(), value, _BOOL)

    def register(self) -> Expression:
        if not self.num_clbits:
            return VariableRef(0, _COUNTER)
        clbits = list(range(self.num_clbits))
        return RegisterRef(_some(self.chooser, clbits, min(2, len(clbits))))

    def qubit(self) -> int:
        return self.chooser.integer(0, self.num_qubits - 1)

    def clbit(self) -> int:
        return self.chooser.integer(0, self.num_clbits - 1)


def _dynamic(chooser: Chooser, num_qubits: int, num_clbits: int, count: int) -> Program:
    writer = _Writer(chooser, num_qubits, num_clbits, set(range(num_qubits)))
    variables = (
        *(VariableDeclaration(f"count{depth}", _COUNTER) for depth in range(1, _MAX_DEPTH + 1)),
        VariableDeclaration("flag", _BOOL),
        VariableDeclaration("i", _COUNTER),
    )
    start = (
        *(Store(VariableRef(d, _COUNTER), Constant(0, _COUNTER)) for d in range(_MAX_DEPTH)),
        Store(_FLAG, Constant(False, _BOOL)),
    )
    body = writer.block(count, 0, False)
    return Program(num_qubits, num_clbits, (*start, *body), variables, name="random")


def random_dynamic_program(
    num_qubits: int, count: int, seed: int, *, num_clbits: int = 4
) -> Program:
    """A program of about ``count`` operations of every kind, control flow three deep included.

    Every such program ends: a while loop counts down.
    """
    return _dynamic(Seeded(seed), num_qubits, num_clbits, count)


@st.composite
def gate_lists(
    draw: st.DrawFn, max_qubits: int = 6, max_gates: int = 20
) -> tuple[int, tuple[GateOperation, ...]]:
    """``(num_qubits, gates)``: gates of every kind for a state that begins as |0…0>."""
    chooser = _Drawn(draw)
    num_qubits = chooser.integer(0, max_qubits)
    return num_qubits, _gates(chooser, num_qubits, chooser.integer(0, max_gates))


@st.composite
def unitary_programs(draw: st.DrawFn, max_qubits: int = 6, max_gates: int = 20) -> Program:
    """Programs of gates alone."""
    num_qubits, gates = draw(gate_lists(max_qubits, max_gates))
    return Program(num_qubits, 0, gates)


@st.composite
def dynamic_programs(
    draw: st.DrawFn, max_qubits: int = 4, max_clbits: int = 4, max_operations: int = 14
) -> Program:
    """Programs of every kind of operation that end."""
    chooser = _Drawn(draw)
    return _dynamic(
        chooser,
        chooser.integer(0, max_qubits),
        chooser.integer(0, max_clbits),
        chooser.integer(0, max_operations),
    )
