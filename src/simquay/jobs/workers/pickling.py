"""Pickles for the private pipe between a process and its worker, which any ``pickle.loads`` reads.

Classes and functions go by name; those of ``__main__``, which the other process does not import, go
by value, as cloudpickle does it. Circuits of standard
gates and measurements, which are most, go as QPY: it is quicker than pickling each instruction as
an object, and keeps all of them. Any other circuit is pickled as Qiskit does it.
"""

from __future__ import annotations

import copyreg
import io
import pickle
from collections import ChainMap
from collections.abc import Sequence
from typing import Any, ClassVar

import cloudpickle
from qiskit import QuantumCircuit, qpy
from qiskit.circuit import Barrier, Measure, Reset
from qiskit.circuit.controlflow import CASE_DEFAULT

__all__ = ["circuits_from_qpy", "pickled", "qpy_of"]

_KEPT_BY_QPY = (Measure, Barrier, Reset)
_ATTRIBUTES = frozenset(vars(QuantumCircuit()))
"""Of any circuit; others were set by the user, and QPY would lose them."""


def pickled(thing: Any, *, unnamed: bool = False) -> bytes:
    """``thing``, which may hold circuits, as a pickle.

    Args:
        thing: any object.
        unnamed: whether things that no name finds, such as a class defined in a function, go by
            value too. A closure shares objects with its function, and a copy does not; so this is
            for answers, not for backends.

    Raises:
        Exception: what pickling it raises.
    """
    stream = io.BytesIO()
    pickler = pickle.Pickler(stream, pickle.HIGHEST_PROTOCOL)
    pickler.dispatch_table = {**copyreg.dispatch_table, **_REDUCERS}
    try:
        pickler.dump(thing)
        if b"__main__" not in (data := stream.getvalue()):
            return data
    except Exception:  # pickling runs the foreign classes' own code; raised, or tried by value
        if not unnamed:
            raise
    stream = io.BytesIO()
    _ByValue(stream, pickle.HIGHEST_PROTOCOL).dump(thing)
    return stream.getvalue()


def qpy_of(circuits: Sequence[QuantumCircuit]) -> bytes:
    """The bytes that ``qpy.dump`` writes of circuits. It runs the code of their classes, and raises
    errors of many kinds."""
    stream = io.BytesIO()
    qpy.dump([*circuits], stream)
    return stream.getvalue()


def circuits_from_qpy(data: bytes) -> list[QuantumCircuit]:
    """The circuits in the bytes that ``qpy.dump`` wrote."""
    circuits: list[QuantumCircuit] = qpy.load(io.BytesIO(data))
    return circuits


def _reduced(circuit: QuantumCircuit) -> Any:
    """The reduced form of a circuit, as pickle's ``__reduce__`` gives one."""
    if not _is_plain(circuit):
        return circuit.__reduce_ex__(pickle.HIGHEST_PROTOCOL)
    return _only, (qpy_of([circuit]),)


def _only(data: bytes) -> QuantumCircuit:
    """The only circuit of QPY data; pickles refer to this function by its name."""
    (circuit,) = circuits_from_qpy(data)
    return circuit


def _is_plain(circuit: QuantumCircuit) -> bool:
    """Whether QPY keeps every part of the circuit that pickle keeps."""
    if circuit.metadata or circuit.num_vars:  # QPY writes metadata as JSON
        return False
    if any(name[0] != "_" and name not in _ATTRIBUTES for name in vars(circuit)):
        return False
    bits = {bit for register in (*circuit.qregs, *circuit.cregs) for bit in register}
    if len(bits) != circuit.num_qubits + circuit.num_clbits:
        return False  # a bit outside registers is another bit after QPY
    return all(
        one.label is None
        and (one.is_standard_gate() or getattr(one.operation, "base_class", None) in _KEPT_BY_QPY)
        for one in circuit.data
    )


def _by_name(default: Any) -> str:
    """Pickle the mark of a switch's default case by its name.

    Qiskit compares it by identity, and a pickled copy would be another object.
    """
    return "CASE_DEFAULT"


_REDUCERS: dict[type, Any] = {QuantumCircuit: _reduced, type(CASE_DEFAULT): _by_name}


class _ByValue(cloudpickle.Pickler):  # type: ignore[misc]  # cloudpickle ships no types
    dispatch_table: ClassVar = ChainMap(_REDUCERS, cloudpickle.Pickler.dispatch_table)
