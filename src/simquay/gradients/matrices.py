"""Circuits with operations that depend on parameters in a way that only Qiskit knows: a fractional
power, or a gate that is known by its matrix alone.

Such a circuit is lowered at each point, and for each number of such a gate at eight points near it.
The derivatives of the gate's matrix are differences of these, of an order so high that they are
exact but for rounding; all other gates have their generators, and all numbers the chain rule, as in
other circuits.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit

from simquay.circuits.lowering.angles import DIFFERENCES, Angles
from simquay.circuits.lowering.circuit import lower_at
from simquay.errors import ProgramError
from simquay.execution.adjoint.backward import check_gates
from simquay.execution.adjoint.generators import pauli_coefficients
from simquay.execution.adjoint.sites import Site, parametric_sites
from simquay.execution.sweep import same_shape
from simquay.noise.model import NoiseModel
from simquay.planning.numbers.sweep import NUMBERS
from simquay.program import Matrix, Prepare, Program

__all__ = ["program_and_sites"]

_WIDEST = 5
"""The most qubits of such a gate: 1024 Pauli matrices."""
_SCALES = (1, 1 / 8, 1 / 64, 1 / 512)
"""Steps are shorter where a matrix changes fast, or jumps, as fractional powers do."""
_WEIGHTS = np.array([weight for _, weight in DIFFERENCES])
_CHECK = np.array([3, -3, -3 / 5, 3 / 5, 1 / 15, -1 / 15, 0, 0]) / (4 * DIFFERENCES[0][0])
"""The weights of differences of order 6."""
_AGREEMENT = 2e-8
"""By how much the two may differ: the error of those of order 8 is then 1e-10 at most."""


def program_and_sites(
    circuit: QuantumCircuit,
    values: NDArray[np.float64],
    noise: NoiseModel | None = None,
    hit: set[str] | None = None,
) -> tuple[Program, Angles, list[Site]]:
    """The program of a circuit at one point, its angles, and its gates that depend on them.

    Args:
        circuit: the circuit.
        values: of its parameters, shape ``(parameters,)``.
        noise: as for :func:`~simquay.circuits.lowering.circuit.lower`, and so is ``hit``.

    Raises:
        ProgramError: if the circuit has anything but gates, if its gates are others for other
            values, or if one whose matrix depends on a parameter has more than five qubits, jumps
            within 1e-4 of the values, or is no gate but a preparation.
    """
    program, angles, found = lower_at(circuit, values, noise)
    if hit is not None:
        hit |= found
    check_gates(program)
    operations: Any = program.operations
    columns: defaultdict[int, list[int]] = defaultdict(list)
    slopes: defaultdict[int, list[NDArray[np.complex128]]] = defaultdict(list)
    for number in sorted(angles.needed):
        for scale in _SCALES:
            near = [
                lower_at(circuit, values, noise, (number, scale * move))[0]
                for move, _ in DIFFERENCES
            ]
            if not all(same_shape(program, other) for other in near):
                raise ProgramError(
                    f"circuit {circuit.name!r} has other gates for other values of its parameters, "
                    "so that it has no gradient"
                )
            found_slopes, is_smooth = _slopes(operations, near, scale)
            if is_smooth:
                break
        else:
            raise ProgramError(
                f"circuit {circuit.name!r} has a gate whose matrix jumps near {values.tolist()}, "
                "or changes too fast for a gradient"
            )
        for place, slope in found_slopes.items():
            columns[place].append(number)
            slopes[place].append(slope)
    row = angles.at(values[None])
    sites = [
        one._replace(coefficients=one.coefficients(row)) if callable(one.coefficients) else one
        for one in parametric_sites(program)
    ]
    sites += [
        _site(circuit, operations[place], place, own, np.array(slopes[place]))
        for place, own in columns.items()
    ]
    return program, angles, sites


def _slopes(
    operations: Any, near: Sequence[Program], scale: float
) -> tuple[dict[int, NDArray[np.complex128]], bool]:
    """The slopes of the numbers of those ``operations`` that differ in ``near``, by place, and
    whether the numbers are smooth there."""
    lists: list[Any] = [one.operations for one in near]
    slopes, is_smooth = {}, True
    for place, gate in enumerate(operations):
        read = NUMBERS.get(type(gate))
        if read is not None:
            numbers = np.array([read(gates[place]) for gates in lists], dtype=np.complex128)
            if (numbers != read(gate)).any():
                slopes[place] = np.tensordot(_WEIGHTS / scale, numbers, axes=1)
                other = np.tensordot(_CHECK / scale, numbers, axes=1)
                is_smooth &= bool(np.abs(slopes[place] - other).max() < _AGREEMENT)
    return slopes, is_smooth


def _site(
    circuit: QuantumCircuit,
    gate: Any,
    place: int,
    columns: list[int],
    slopes: NDArray[np.complex128],
) -> Site:
    """A gate that depends on the angles ``columns``, and the slopes of its numbers by these."""
    if isinstance(gate, Prepare) or len(gate.qubits) > _WIDEST:
        raise ProgramError(
            f"circuit {circuit.name!r} has a {type(gate).__name__} on {len(gate.qubits)} qubits "
            "that depends on a parameter, which gradients do not support: define it by standard "
            "gates"
        )
    numbers = NUMBERS[type(gate)](gate)
    found = pauli_coefficients(numbers, slopes, not isinstance(gate, Matrix))
    return Site([*range(found.shape[-1])], [place], np.array([columns]), found[None, None])
