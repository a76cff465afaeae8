"""A segment's gates for several vectors, each with errors of its own, as one sweep."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simquay.execution.trajectories.segments import Factors, Segment
from simquay.planning import Change, GateSweep
from simquay.program import GateOperation, Matrix

__all__ = ["gates_at", "sweep_of"]

_IDENTITY = np.eye(2, dtype=np.complex128)


def sweep_of(segment: Segment, rows: Sequence[Mapping[int, Factors]], every: bool) -> GateSweep:
    """The gates of all of ``segment`` for vectors that have other matrices at some sites.

    Args:
        segment: the segment.
        rows: for each vector, its errors by site.
        every: whether each site has matrices in the list, so that lists of all errors have one
            structure; otherwise only sites at which a vector has an error.
    """
    wrong: dict[int, list[tuple[int, Factors]]] = {site: [] for site in segment.sites(every)}
    for row, errors in enumerate(rows):
        for site, factors in errors.items():
            wrong.setdefault(site, []).append((row, factors))
    flat, spans = segment.flat
    gates: list[Any] = []
    places: defaultdict[int, list[int]] = defaultdict(list)  # by the number of qubits
    numbers: defaultdict[int, list[NDArray[np.complex128]]] = defaultdict(list)
    low = 0
    for site in sorted(wrong):
        start, stop = spans[site]
        gates += flat[low:start]
        low = stop
        qubits = segment.channels[site].qubits
        default = segment.default(site)
        found = wrong[site]
        used = [factor for _, factors in [(0, default), *found] for factor in factors]
        if all(len(bits) == 1 for _, bits in used):
            groups = {(bit,) for bit in range(len(qubits))} if every else {bits for _, bits in used}
        else:
            groups = {tuple(range(len(qubits)))}
        for bits in sorted(groups):
            one = np.repeat(_matrix(default, bits)[None], len(rows), axis=0)
            made: dict[int, NDArray[np.complex128]] = {}  # many rows have the same error
            for row, factors in found:
                if id(factors) not in made:
                    made[id(factors)] = _matrix(factors, bits)
                one[row] = made[id(factors)]
            places[len(bits)].append(len(gates))
            numbers[len(bits)].append(one.reshape(len(rows), -1))
            gates.append(Matrix(one[0], tuple([qubits[bit] for bit in bits])))
    gates += flat[low:]
    changes = [
        Change(tuple(some), np.stack(numbers[width], axis=1)) for width, some in places.items()
    ]
    return GateSweep(gates, len(rows), tuple(changes))


def _matrix(factors: Factors, bits: tuple[int, ...]) -> NDArray[np.complex128]:
    """The matrix of ``factors`` on ``bits``: those on other bits are left out."""
    bit = bits[0]
    matrix: NDArray[np.complex128] | None = None
    while bit <= bits[-1]:
        array = next((array for array, own in factors if own[0] == bit), _IDENTITY)
        square = np.diag(array) if array.ndim == 1 else array
        whole = square if matrix is None else np.kron(square, matrix)
        matrix = whole.astype(np.complex128, copy=False)
        bit += len(square).bit_length() - 1
    assert matrix is not None
    return matrix


def gates_at(sweep: GateSweep, number: int) -> list[GateOperation]:
    """The gates of one vector of a sweep that :func:`sweep_of` gives."""
    gates = [*sweep.gates]
    for places, numbers in sweep.changes:
        for column, place in enumerate(places):
            size = 1 << len(gates[place].qubits)
            gates[place] = Matrix(numbers[number, column].reshape(size, size), gates[place].qubits)
    return gates
