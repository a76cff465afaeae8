"""Deferral: measurements that nothing depends on move to the end, where they are one sampling.

A transpiled circuit measures each qubit as early as it can. As written, such a measurement would
split the shots and need a state for each outcome. It commutes with all later operations if no later
gate changes its qubit's value in the measured basis, and no later operation reads or writes its
classical bit; then it is made last.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from simquay.program import (
    Expression,
    Gate,
    IfElse,
    Measure,
    Misread,
    Operation,
    Program,
    Reset,
    Restart,
    Save,
    Store,
    Switch,
    WhileLoop,
)
from simquay.program.expressions import Binary, BitRef, Cast, Index, RegisterRef, Unary
from simquay.program.gates import QubitOperation
from simquay.program.program import PARENTS, walk

__all__ = ["Deferred", "commutes", "defer"]


@dataclass(frozen=True, slots=True, eq=False)
class Deferred:
    """A program without the measurements that were moved to its end.

    Attributes:
        operations: those that are left, in order.
        measures: the deferred measurements, in the order of the program.
        resets: qubits reset at the end, which nothing uses again.
        misreads: errors of recorded bits that come after all measurements, in order.
        gates: the gates of ``operations`` if all others are saves; else None.
        saves: with ``gates``, the saves, and how many gates come before each.
    """

    operations: tuple[Operation, ...]
    measures: tuple[Measure, ...]
    resets: tuple[int, ...]
    gates: tuple[Gate, ...] | None
    saves: tuple[tuple[int, Save], ...] = ()
    misreads: tuple[Misread, ...] = ()


def commutes(gate: QubitOperation, measured: set[int], reset: set[int]) -> bool:
    """Whether ``gate`` commutes with measuring ``measured`` and resetting ``reset``.

    A diagonal gate, or a control, does not change a qubit's measured value.
    """
    hurt = reset if gate.is_diagonal else measured
    return reset.isdisjoint(gate.controls) and hurt.isdisjoint(gate.qubits)


def defer(program: Program) -> Deferred:
    """Move the measurements and resets of ``program`` to its end that commute with what follows."""
    operations = program.operations
    kinds = [type(operation) for operation in operations]
    # The common case, quickly: gates, then measurements, and nothing else.
    first = kinds.index(Measure) if Measure in kinds else len(kinds)
    if _are_gates(kinds[:first]) and set(kinds[first:]) <= {Measure}:
        gates = cast("tuple[Gate, ...]", tuple(operations[:first]))
        return Deferred(gates, cast("tuple[Measure, ...]", tuple(operations[first:])), (), gates)
    if Reset in kinds:
        operations = _drop_first_resets(operations)
    return _defer(operations, sum([kind in _MOVABLE for kind in kinds]))


def _are_gates(kinds: Iterable[type]) -> bool:
    return all(issubclass(kind, Gate) for kind in set(kinds))


def _drop_first_resets(operations: Iterable[Operation]) -> list[Operation]:
    """``operations`` without the resets of qubits that no operation has touched before."""
    touched: set[int] = set()
    kept = []
    for operation in operations:
        if isinstance(operation, Reset) and operation.qubit not in touched:
            continue
        for inner in walk((operation,)):
            # A measurement or reset never takes a qubit out of |0>, nor does a control.
            if isinstance(inner, QubitOperation):
                touched.update(inner.qubits)
        kept.append(operation)
    return kept


_MOVABLE = frozenset({Measure, Reset, Misread})


def _defer(operations: Sequence[Operation], movable: int) -> Deferred:
    """:func:`defer`, where at most ``movable`` operations may move."""
    uses = _Uses()
    kept: list[Operation] = []
    measures: list[Measure] = []
    resets: set[int] = set()
    misreads: list[Misread] = []
    for place in range(len(operations) - 1, -1, -1):
        operation = operations[place]
        if type(operation) in _MOVABLE:
            movable -= 1
        elif not movable:  # all before stays
            kept += operations[place::-1]
            break
        if isinstance(operation, Measure) and uses.allow_measure(operation):
            measures.append(operation)
        elif isinstance(operation, Reset) and uses.allow_reset(operation, measures):
            resets.add(operation.qubit)
        elif isinstance(operation, Misread) and uses.allow_misread(operation, measures):
            misreads.append(operation)
        else:
            kept.append(operation)
            uses.add(operation)
    kept.reverse()
    measures.reverse()
    misreads.reverse()
    last = tuple(measures), tuple(sorted(resets))
    gates: list[Gate] = []
    saves: list[tuple[int, Save]] = []
    for operation in kept:
        if isinstance(operation, Gate):
            gates.append(operation)
        elif isinstance(operation, Save):
            saves.append((len(gates), operation))
        else:
            return Deferred(tuple(kept), *last, None, (), tuple(misreads))
    return Deferred(tuple(kept), *last, tuple(gates), tuple(saves), tuple(misreads))


class _Uses:
    """The qubits and classical bits that the operations from some place on use."""

    def __init__(self) -> None:
        self.moved: set[int] = set()  # qubits taken out of the measured basis
        self.used: set[int] = set()  # qubits used in any way
        self.clbits: set[int] = set()  # classical bits read or written
        self.whole = False  # whether the state of all qubits is read or replaced

    def allow_measure(self, measure: Measure) -> bool:
        return not (self.whole or measure.qubit in self.moved or measure.clbit in self.clbits)

    def allow_reset(self, reset: Reset, measures: list[Measure]) -> bool:
        # A deferred measurement that comes after it would see the qubit before the reset.
        return not (
            self.whole
            or reset.qubit in self.used
            or any(measure.qubit == reset.qubit for measure in measures)
        )

    def allow_misread(self, misread: Misread, measures: list[Measure]) -> bool:
        # A deferred measurement that comes after it writes what is not misread.
        later = {measure.clbit for measure in measures}
        return not self.whole and (self.clbits | later).isdisjoint(misread.clbits)

    def add(self, operation: Operation) -> None:
        inside = walk((operation,)) if type(operation) in PARENTS else (operation,)
        for inner in inside:
            if isinstance(inner, Measure):
                self.used.add(inner.qubit)
                self.clbits.add(inner.clbit)
            elif isinstance(inner, Reset):
                self.used.add(inner.qubit)
                self.moved.add(inner.qubit)
            elif isinstance(inner, QubitOperation):
                self.used.update(inner.qubits, inner.controls)
                if not inner.is_diagonal:
                    self.moved.update(inner.qubits)
            elif isinstance(inner, Misread):
                self.clbits.update(inner.clbits)
            elif isinstance(inner, (Save, Restart)):
                self.whole = True
            elif isinstance(inner, Store):
                self._read(inner.target)
                self._read(inner.value)
            elif isinstance(inner, (IfElse, WhileLoop)):
                self._read(inner.condition)
            elif isinstance(inner, Switch):
                self._read(inner.target)

    def _read(self, expression: Expression) -> None:
        """Note every classical bit in ``expression``."""
        stack: list[Any] = [expression]
        while stack:
            match stack.pop():
                case BitRef(clbit):
                    self.clbits.add(clbit)
                case RegisterRef(clbits):
                    self.clbits.update(clbits)
                case Cast(operand) | Unary(_, operand):
                    stack.append(operand)
                case Binary(_, left, right) | Index(left, right):
                    stack += (left, right)
