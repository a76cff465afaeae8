"""One gate at a time on a dense state: gates too wide for a cluster, and plans without a search."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from simquay.engines.numpy.state import ComplexArray, DenseState, split_bits
from simquay.planning import Layout
from simquay.program.bits import deposit, extract, spread
from simquay.program.gates import Diagonal, GateOperation, Matrix, Permutation, Prepare, Relabel

__all__ = ["SLAB_BYTES", "apply_gate", "apply_gates", "places_of", "sources_of", "values_of"]

SLAB_BYTES = 16 << 20
"""The most bytes that a matrix or permutation works on at a time, in temporary copies."""


def apply_gate(state: DenseState, gate: GateOperation) -> None:
    """Apply ``gate``, which names qubits, in place.

    Targets that are not stored are stored first; controls must be stored.
    """
    if isinstance(gate, Relabel):
        state.layout = Layout(gate.renamed(state.layout.order))
        return
    stored = set(state.layout.order)
    state.grow([qubit for qubit in gate.qubits if qubit not in stored])
    if isinstance(gate, Prepare):
        _prepare(_targets_first(state, gate), gate.amplitudes)
    elif isinstance(gate, Diagonal):
        view = _targets_first(state, gate)
        factors = np.asarray(gate.diagonal).astype(view.dtype)
        k = len(gate.qubits)
        view *= factors.reshape((2,) * k + (1,) * (view.ndim - k))
    elif isinstance(gate, Permutation):
        # Amplitude i moves to table[i], so entry j of the result is amplitude inverse[j].
        source = np.empty_like(gate.table)
        source[gate.table] = np.arange(len(source))
        _by_slabs(_targets_first(state, gate), len(gate.qubits), None, source)
    else:
        _by_slabs(_targets_first(state, gate), len(gate.qubits), gate, None)


def apply_gates(state: DenseState, gates: Sequence[GateOperation]) -> None:
    """Apply ``gates``, which name qubits, in order and in place; all their qubits are stored.

    A single small vector is computed in double precision, with few calls for each gate.
    """
    if state.batch > 1:
        for gate in gates:
            apply_gate(state, gate)
        return
    bits = state.layout.positions()
    width = state.stored
    vector = state.vector[0].astype(np.complex128)
    for gate in gates:
        if isinstance(gate, Relabel):
            state.layout = Layout(gate.renamed(state.layout.order))
            bits = state.layout.positions()
            continue
        targets = tuple([bits[qubit] for qubit in gate.qubits])
        controls = tuple([bits[qubit] for qubit in gate.controls]) if gate.controls else ()
        # A gather of all amplitudes takes less time than a scatter of those that change.
        if isinstance(gate, Permutation):
            table = tuple(gate.table.tolist())
            vector = vector.take(sources_of(width, targets, controls, gate.control_state, table))
        elif controls:
            places = places_of(width, targets, controls, gate.control_state)
            if isinstance(gate, Matrix):
                vector[places] = gate.matrix.dot(vector.take(places))
            elif isinstance(gate, Diagonal):
                vector[places] *= gate.diagonal[:, None]
        elif isinstance(gate, Diagonal):
            vector *= gate.diagonal.take(values_of(width, targets))
        else:
            part = vector.take(places_of(width, targets, (), 0))
            if isinstance(gate, Matrix):
                part = gate.matrix.dot(part)  # for few numbers, half as long as with @
            else:
                part = gate.amplitudes[:, None] * part[:1]
            vector = part.take(_order_back(width, targets))
    state.vector[0] = vector


@lru_cache(maxsize=1024)
def places_of(
    width: int, targets: tuple[int, ...], controls: tuple[int, ...], control_state: int
) -> NDArray[np.intp]:
    """The indices of ``width`` bits for which the controls hold: a row for each value of the
    target bits."""
    others = spread([bit for bit in range(width) if bit not in targets and bit not in controls])
    return spread(targets)[:, None] | others | deposit(control_state, controls)


@lru_cache(maxsize=1024)
def _order_back(width: int, targets: tuple[int, ...]) -> NDArray[np.intp]:
    """Where each index of ``width`` bits is among ``places_of(width, targets, (), 0)``."""
    return np.argsort(places_of(width, targets, (), 0), axis=None)


@lru_cache(maxsize=1024)
def values_of(width: int, targets: tuple[int, ...]) -> NDArray[np.intp]:
    """The value of the target bits in each index of ``width`` bits."""
    return extract(np.arange(1 << width), targets)


@lru_cache(maxsize=1024)
def sources_of(
    width: int,
    targets: tuple[int, ...],
    controls: tuple[int, ...],
    control_state: int,
    table: tuple[int, ...],
) -> NDArray[np.intp]:
    """The index from which a permutation gate with this ``table`` takes the amplitude of each index
    of ``width`` bits."""
    places = places_of(width, targets, controls, control_state)
    sources = np.arange(1 << width)
    sources[places[list(table)]] = places
    return sources


def _targets_first(
    state: DenseState, gate: Matrix | Diagonal | Permutation | Prepare
) -> ComplexArray:
    """The amplitudes where the controls hold: axes of the gate's qubits first, highest bit first,
    then the batch and all others, of which controls have length 1. A view."""
    positions = state.layout.positions()
    targets = [positions[qubit] for qubit in reversed(gate.qubits)]
    controls = [positions[qubit] for qubit in gate.controls]
    view, axes = split_bits(state.vector, state.stored, [*targets, *controls])
    index = [slice(None)] * view.ndim
    for bit, position in enumerate(controls):
        value = gate.control_state >> bit & 1
        index[axes[position]] = slice(value, value + 1)  # the axis stays, with length 1
    target_axes = [axes[target] for target in targets]
    rest = [axis for axis in range(view.ndim) if axis not in target_axes]
    result: ComplexArray = view[tuple(index)].transpose(target_axes + rest)
    return result


def _by_slabs(
    view: ComplexArray, k: int, gate: Matrix | None, source: NDArray[np.intp] | None
) -> None:
    """Apply ``gate``, or where it is None take the entries ``source``, along the first ``k`` axes.

    Works on slabs of the other axes, of at most ``SLAB_BYTES``.
    """
    if view.nbytes > SLAB_BYTES:
        # Halve the longest of the other axes: the temporary copies stay small.
        axis = max(range(k, view.ndim), key=lambda a: view.shape[a])
        half = view.shape[axis] // 2
        if half:
            for part in (slice(None, half), slice(half, None)):
                _by_slabs(view[(slice(None),) * axis + (part,)], k, gate, source)
            return
    old = view.reshape(1 << k, -1)  # a copy, unless the axes are already in this order
    new = old[source] if gate is None else np.asarray(gate.matrix).astype(view.dtype) @ old
    view[...] = new.reshape(view.shape)


def _prepare(view: ComplexArray, amplitudes: ComplexArray) -> None:
    """Multiply the amplitudes at index 0 of the first axes, which were |0>, into all of them."""
    k = len(amplitudes).bit_length() - 1
    factors = np.asarray(amplitudes).astype(view.dtype).reshape((2,) * k)
    # Index 0 comes last: the others are made of it.
    for entry in reversed([*np.ndindex(factors.shape)]):
        np.multiply(view[(0,) * k], factors[entry], out=view[entry])
