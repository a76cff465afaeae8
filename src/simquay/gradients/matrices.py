"""Circuits whose operations depend on parameters in a way that only Qiskit knows: a fractional
power, or a gate that is known by its matrix alone.

Such a circuit is lowered at each point, and at eight points near it for each parameter. The
derivatives of its gates' numbers are differences of these, of an order so high that they are exact
but for rounding; all else is as for other circuits.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit

from simquay.circuits.lowering.angles import DIFFERENCES
from simquay.circuits.lowering.circuit import lower_points
from simquay.errors import ProgramError
from simquay.execution.adjoint.backward import Site, check_gates
from simquay.execution.adjoint.generators import pauli_coefficients
from simquay.execution.sweep import same_shape
from simquay.noise.model import NoiseModel
from simquay.planning.numbers.sweep import NUMBERS
from simquay.program import Matrix, Prepare, Program

__all__ = ["program_and_sites"]

_WIDEST = 5
"""The most qubits of such a gate: 1024 Pauli matrices."""


def program_and_sites(
    circuit: QuantumCircuit,
    values: NDArray[np.float64],
    noise: NoiseModel | None = None,
    hit: set[str] | None = None,
) -> tuple[Program, list[Site]]:
    """The program of a circuit at one point, and its gates that depend on parameters, which are the
    program's angles, although no gate of it is parametric.

    Args:
        circuit: the circuit.
        values: of its parameters, shape ``(parameters,)``.
        noise: as for :func:`~simquay.circuits.lowering.circuit.lower`, and so is ``hit``.

    Raises:
        ProgramError: if the circuit has anything but gates, if its gates are others for other
            values, or if one that depends on a parameter has more than five qubits or is no gate
            but a preparation.
    """
    count = len(values)
    moves, weights = np.array(DIFFERENCES).T
    rows = values + moves[None, :, None] * np.eye(count)[:, None, :]
    programs = lower_points(
        circuit, np.concatenate([values[None], rows.reshape(-1, count)]), noise, hit
    )
    program = replace(programs[0], num_angles=count)
    check_gates(program)
    if not all(same_shape(programs[0], other) for other in programs):
        raise ProgramError(
            f"circuit {circuit.name!r} has other gates for other values of its parameters, so that "
            "it has no gradient"
        )
    lists: list[Any] = [one.operations for one in programs]
    columns: defaultdict[int, list[int]] = defaultdict(list)
    slopes: defaultdict[int, list[NDArray[np.complex128]]] = defaultdict(list)
    for place, gate in enumerate(lists[0]):
        read = NUMBERS.get(type(gate))
        if read is None:
            continue
        for number in range(count):
            own = lists[1 + number * len(moves) : 1 + (number + 1) * len(moves)]
            if all(np.array_equal(read(gate), read(gates[place])) for gates in own):
                continue
            near = np.array([read(gates[place]) for gates in own])
            columns[place].append(number)
            slopes[place].append(np.tensordot(weights, near, axes=1))
    return program, [
        _site(circuit, lists[0][place], place, own, np.array(slopes[place]))
        for place, own in columns.items()
    ]


def _site(
    circuit: QuantumCircuit,
    gate: Any,
    place: int,
    columns: list[int],
    slopes: NDArray[np.complex128],
) -> Site:
    """A gate that depends on the parameters ``columns``, and the slopes of its numbers by these."""
    if isinstance(gate, Prepare) or len(gate.qubits) > _WIDEST:
        raise ProgramError(
            f"circuit {circuit.name!r} has a {type(gate).__name__} on {len(gate.qubits)} qubits "
            "that depends on a parameter, which gradients do not support: define it by standard "
            "gates"
        )
    numbers = NUMBERS[type(gate)](gate)
    found = pauli_coefficients(numbers, slopes, not isinstance(gate, Matrix))
    return Site([*range(found.shape[-1])], [place], np.array([columns]), found[None, None])
