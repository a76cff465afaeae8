"""Circuits that were lowered lately, and their programs: a circuit that comes again is compared."""

from __future__ import annotations

import weakref
from functools import lru_cache
from typing import Any, TypeAlias, Union

from qiskit import QuantumCircuit
from qiskit.circuit import ParameterExpression

from simquay.circuits.lowering.angles import Angles
from simquay.noise.model import NoiseModel
from simquay.program import Program

__all__ = ["WIDEST_STATE", "Lowered", "keep", "kept"]

_MOST_KEPT = 4096
"""The most instructions of a circuit whose program is kept."""

Lowered: TypeAlias = tuple[Program, Union[Angles, None], frozenset[str]]
"""The program; where it may have parametric gates, their angles; the names of errors in it."""

WIDEST_STATE = 63
"""No memory holds the state of more qubits."""


@lru_cache(maxsize=16)
def _place(
    identity: int, noise: NoiseModel | None
) -> list[tuple[weakref.ref[QuantumCircuit], QuantumCircuit, list[Any], Lowered]]:
    """For a circuit with this ``id``: a copy of it, that copy's instructions, and what it was
    lowered to; or nothing."""
    return []


def kept(circuit: QuantumCircuit, noise: NoiseModel | None) -> Lowered | None:
    """What ``circuit`` was lowered to by an earlier call, for callers that run one circuit at new
    values again and again.

    Nothing tells whether a circuit has changed since, so it is compared with a copy, in a fourth of
    the time of lowering. Qiskit compares numbers of standard gates exactly, and coefficients of
    parameters to 1e-15.
    """
    for original, copy, items, lowered in _place(id(circuit), noise):
        alive = original()
        if (
            alive is not None
            and alive is circuit
            and _same_phase(copy.global_phase, circuit.global_phase)
            and copy.name == circuit.name
            and copy.qubits == circuit.qubits
            and copy.clbits == circuit.clbits
            and not circuit.num_vars
            and items == [*circuit.data]  # faster than Qiskit's data, which makes two lists
            and (noise is None or _labels(copy) == _labels(circuit))  # Qiskit compares none
        ):
            return lowered
    return None


def _labels(circuit: QuantumCircuit) -> list[str | None]:
    return [item.label for item in circuit.data]


def keep(
    circuit: QuantumCircuit, noise: NoiseModel | None, lowered: Lowered, angles: Angles
) -> None:
    """Keep what ``circuit`` was lowered to, if every equal circuit is lowered to the same: gates
    with definitions may change inside, which no comparison shows."""
    if (
        angles.repeatable
        and len(circuit.data) <= _MOST_KEPT
        and circuit.num_qubits <= WIDEST_STATE
        and not circuit.num_vars
    ):
        angles.repeatable = False  # kept once
        copy = circuit.copy()
        _place(id(circuit), noise)[:] = [(weakref.ref(circuit), copy, [*copy.data], lowered)]


def _same_phase(one: Any, other: Any) -> bool:
    """Whether two global phases are equal; ``==`` would expand long expressions, for seconds."""
    compare = getattr(one, "structurally_equal", None)  # not in the first releases of Qiskit 2
    if compare is None or not isinstance(other, ParameterExpression):
        return bool(one == other)
    return bool(compare(other))
