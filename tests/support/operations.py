"""Operations of a program, with the class that a test expects."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from qiskit import QuantumCircuit

from simquay.circuits.lowering.circuit import lower
from simquay.program import Diagonal, Matrix, Permutation, Prepare, Relabel

__all__ = ["cast_to", "gates_of", "only"]

_T = TypeVar("_T")


def cast_to(kind: type[_T], thing: object) -> _T:
    """``thing``, which is a ``kind``."""
    assert isinstance(thing, kind), f"{thing} is no {kind.__name__}"
    return thing


def gates_of(
    circuit: QuantumCircuit,
) -> list[Matrix | Diagonal | Permutation | Relabel | Prepare]:
    """The operations of a circuit of gates and preparations alone."""
    operations = lower(circuit).operations
    gates = [
        one
        for one in operations
        if isinstance(one, (Matrix, Diagonal, Permutation, Relabel, Prepare))
    ]
    assert len(gates) == len(operations)
    return gates


def only(kind: type[_T], things: Iterable[object]) -> _T:
    """The one of ``things``, which is a ``kind``."""
    (thing,) = things
    return cast_to(kind, thing)
