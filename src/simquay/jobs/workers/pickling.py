"""Pickles of circuits that are small and quick, for the private pipe to a worker process.

A circuit pickles each of its instructions as a Python object with all its fields. Most instructions
are standard gates, given by name, parameters and qubits: these are pickled as flat lists. Any other
instruction, or one with a label, is pickled as Qiskit does it. So nothing is lost.
"""

from __future__ import annotations

import copyreg
import functools
import io
import pickle
from collections.abc import Sequence
from typing import Any

from qiskit import QuantumCircuit
from qiskit.circuit import CircuitInstruction, Measure
from qiskit.circuit.controlflow import CASE_DEFAULT
from qiskit.circuit.library import get_standard_gate_name_mapping

__all__ = ["pickled"]

_CircuitData = type(QuantumCircuit()._data)

_MEASURE = Measure()
_OTHER = -1
"""The code, in place of a gate name's index, of an instruction that is no plain standard gate."""


def pickled(thing: Any) -> bytes:
    """``thing``, which may hold circuits, as a pickle that any ``pickle.loads`` reads.

    Raises:
        Exception: what pickling it raises.
    """
    stream = io.BytesIO()
    pickler = pickle.Pickler(stream, pickle.HIGHEST_PROTOCOL)
    pickler.dispatch_table = {
        **copyreg.dispatch_table,
        _CircuitData: _reduced,
        type(CASE_DEFAULT): _by_name,
    }
    pickler.dump(thing)
    return stream.getvalue()


@functools.cache
def _standard_gates() -> dict[str, tuple[Any, int, int]]:
    """By name: Qiskit's key of the gate, its number of qubits, its number of parameters."""
    return {
        name: (gate._standard_gate, gate.num_qubits, len(gate.params))
        for name, gate in get_standard_gate_name_mapping().items()
        if getattr(gate, "_standard_gate", None) is not None
    }


def _reduced(data: Any) -> Any:
    """The reduced form of a circuit's data, as pickle's ``__reduce__`` gives one."""
    kind, arguments, state, instructions = data.__reduce__()
    gates = _standard_gates()
    qubits = {bit: index for index, bit in enumerate(arguments[0] or ())}
    clbits = {bit: index for index, bit in enumerate(arguments[1] or ())}
    names: dict[str, int] = {}
    codes: list[int] = []
    wires: list[int] = []
    parameters: list[Any] = []
    others: list[tuple[Any, list[int], list[int]]] = []
    for one in instructions:
        on = [qubits[bit] for bit in one.qubits]
        if one.is_standard_gate() and one.label is None:
            name = one.name
            # Two standard gates of different widths may have one name, as some controlled ones do.
            if name in gates and gates[name][1] == len(on):
                codes.append(names.setdefault(name, len(names)))
                wires += on
                parameters += one.params
                continue
        operation = one.operation
        if type(operation) is Measure and operation.label is None:
            operation = _MEASURE  # pickled once
        codes.append(_OTHER)
        others.append((operation, on, [clbits[bit] for bit in one.clbits]))
    compact = kind, arguments, list(names), codes, wires, parameters, others
    return _rebuilt, compact, state


def _by_name(default: Any) -> str:
    """Pickle the mark of a switch's default case by its name.

    Qiskit compares it by identity, and a pickled copy would be another object.
    """
    return "CASE_DEFAULT"


def _rebuilt(
    kind: Any,
    arguments: tuple[Any, ...],
    names: Sequence[str],
    codes: Sequence[int],
    wires: Sequence[int],
    parameters: Sequence[Any],
    others: Sequence[tuple[Any, Sequence[int], Sequence[int]]],
) -> Any:
    """A circuit's data, from its reduced form; pickles refer to this function by its name."""
    gates = _standard_gates()
    used = [gates[name] for name in names]
    qubits, clbits = arguments[0] or (), arguments[1] or ()
    rest = iter(others)
    wire, parameter = 0, 0
    instructions = []
    for code in codes:
        if code == _OTHER:
            operation, on, bits = next(rest)
            instructions.append(
                CircuitInstruction(
                    operation, [qubits[index] for index in on], [clbits[index] for index in bits]
                )
            )
            continue
        gate, width, count = used[code]
        instructions.append(
            CircuitInstruction.from_standard(
                gate,
                [qubits[index] for index in wires[wire : wire + width]],
                parameters[parameter : parameter + count],
            )
        )
        wire += width
        parameter += count
    data = kind(*arguments)
    data.extend(instructions)
    return data
