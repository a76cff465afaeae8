"""The reference engine: slow, plain, and right by inspection. Tests compare other engines with it.

It applies one gate at a time, by index arithmetic on whole arrays: :func:`_indices` alone knows how
bits are laid out. All else is as :class:`~simquay.engines.base.BaseEngine` has it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simquay.control import Control
from simquay.engines.base import BaseEngine
from simquay.errors import ProgramError
from simquay.planning import Layout, Plan
from simquay.program import Diagonal, GateOperation, Matrix, Permutation, Precision, Strings
from simquay.program.bits import bit_counts, extract, mask_of, spread
from simquay.program.gates import Relabel

__all__ = ["ReferenceEngine", "ReferenceState"]

ComplexArray = NDArray[np.complexfloating[Any]]


class ReferenceState:
    """``batch`` vectors, shape ``(batch, 2**len(order))``; ``order[p]`` is the qubit at bit p."""

    __slots__ = ("num_qubits", "order", "precision", "vectors")

    def __init__(
        self, num_qubits: int, precision: Precision, order: list[int], vectors: ComplexArray
    ) -> None:
        self.num_qubits = num_qubits
        self.precision = precision
        self.order = order
        self.vectors = vectors

    @property
    def batch(self) -> int:
        """How many vectors there are."""
        return len(self.vectors)

    @property
    def layout(self) -> Layout:
        """Where each qubit is stored."""
        return Layout(tuple(self.order))


class ReferenceEngine(BaseEngine[ReferenceState]):
    """The oracle: plans of the strategy ``gates``, on the CPU, in NumPy."""

    name = "reference"
    batched = True

    def allocate(
        self, num_qubits: int, precision: Precision, *, capacity: int, batch: int = 1
    ) -> ReferenceState:
        """A state with every qubit |0> and nothing stored."""
        vectors = np.ones((batch, 1), dtype=precision.complex_dtype)
        return ReferenceState(num_qubits, precision, [], vectors)

    def copy(self, state: ReferenceState) -> ReferenceState:
        """Another state with the same amplitudes."""
        return ReferenceState(
            state.num_qubits, state.precision, list(state.order), state.vectors.copy()
        )

    def apply(self, state: ReferenceState, plan: Plan, control: Control) -> None:
        """Apply ``plan`` in place, one gate a pass."""
        for gate in self.gates(state, plan, control):
            _apply_gate(state, gate)

    def probabilities(
        self, state: ReferenceState, qubits: Sequence[int], given: Mapping[int, int]
    ) -> NDArray[np.float64]:
        """Joint probabilities, shape ``(batch, 2**len(qubits))``."""
        result = np.zeros((state.batch, 1 << len(qubits)))
        if any(value for qubit, value in given.items() if qubit not in state.order):
            return result
        rows = _indices(state.order, given)
        amplitudes = state.vectors[:, rows]
        weights = amplitudes.real.astype(np.float64) ** 2
        weights += amplitudes.imag.astype(np.float64) ** 2
        outcomes = np.zeros(len(rows), dtype=np.intp)
        for bit, qubit in enumerate(qubits):
            if qubit in state.order:
                outcomes |= (rows >> state.order.index(qubit) & 1) << bit
        for one, weight in zip(result, weights, strict=True):
            one += np.bincount(outcomes, weights=weight, minlength=len(one))
        return result

    def means(
        self, state: ReferenceState, strings: Strings, control: Control
    ) -> NDArray[np.float64]:
        """The real part of each string's mean, shape ``(batch, terms)``."""
        vectors = state.vectors.astype(np.complex128)
        index = np.arange(vectors.shape[1])
        result = np.empty((state.batch, len(strings.x)))
        for term, (x, z, fixed, values) in enumerate(np.transpose(strings).tolist()):
            control.check()
            kept = index[index & fixed == values]
            phases = 1j ** (x & z).bit_count() * (-1.0) ** bit_counts(kept & z)
            result[:, term] = (vectors[:, kept ^ x].conj() * phases * vectors[:, kept]).real.sum(1)
        return result

    def gather(self, state: ReferenceState, indices: NDArray[np.uint64]) -> ComplexArray:
        """The amplitudes at the given indices (qubit order), of any number of qubits."""
        amplitudes = state.vectors[:, extract(indices, state.order).astype(np.intp)]
        amplitudes[:, indices & np.uint64(~mask_of(state.order) & (1 << 64) - 1) != 0] = 0
        return amplitudes

    def amplitudes(self, state: ReferenceState) -> ComplexArray:
        """All amplitudes in qubit order, shape ``(batch, 2**num_qubits)``."""
        result = np.zeros((state.batch, 1 << state.num_qubits), state.precision.complex_dtype)
        result[:, spread(state.order)] = state.vectors
        return result

    def select(self, parts: Sequence[tuple[ReferenceState, Sequence[int]]]) -> ReferenceState:
        """A new state with chosen vectors, in the given order."""
        first = parts[0][0]
        if len({(state.num_qubits, state.precision) for state, _ in parts}) > 1:
            raise ProgramError("vectors of different sizes cannot be in one state")
        order = list(dict.fromkeys(qubit for state, _ in parts for qubit in state.order))
        pieces = []
        for state, numbers in parts:
            piece = np.zeros((len(numbers), 1 << len(order)), first.precision.complex_dtype)
            there = spread([order.index(qubit) for qubit in state.order])
            piece[:, there] = state.vectors[list(numbers)]
            pieces.append(piece)
        return ReferenceState(first.num_qubits, first.precision, order, np.concatenate(pieces))

    def rows(self, state: ReferenceState, start: int, stop: int) -> ReferenceState:
        """The vectors ``start`` to ``stop - 1`` as a state, without a copy."""
        return ReferenceState(
            state.num_qubits, state.precision, list(state.order), state.vectors[start:stop]
        )

    def release(self, state: ReferenceState) -> None:
        """Give the state's memory back at once."""
        state.vectors = np.zeros((state.batch, 0), dtype=state.vectors.dtype)


def _indices(order: Sequence[int], fixed: Mapping[int, int]) -> NDArray[np.intp]:
    """The storage indices, increasing, at which every stored qubit of ``fixed`` has its value."""
    start = sum(fixed.get(qubit, 0) << position for position, qubit in enumerate(order))
    return start + spread([p for p, qubit in enumerate(order) if qubit not in fixed])


def _store(state: ReferenceState, qubits: Sequence[int]) -> None:
    """Store each of ``qubits`` that is not stored yet, as |0>, at the top of the index."""
    for qubit in qubits:
        if qubit not in state.order:
            state.vectors = np.concatenate([state.vectors, np.zeros_like(state.vectors)], axis=1)
            state.order.append(qubit)


def _apply_gate(state: ReferenceState, gate: GateOperation) -> None:
    """Apply one gate, as :mod:`simquay.program.gates` defines it."""
    if isinstance(gate, Relabel):
        state.order = list(gate.renamed(state.order))
        return
    fixed = dict.fromkeys(gate.qubits, 0)
    for bit, control in enumerate(gate.controls):
        fixed[control] = gate.control_state >> bit & 1
    _store(state, gate.qubits)
    # blocks[i] are the indices where the gate's qubits are i, and the controls hold.
    offsets = spread([state.order.index(qubit) for qubit in gate.qubits])
    blocks = offsets[:, None] + _indices(state.order, fixed)
    vectors = state.vectors
    if isinstance(gate, Matrix):
        matrix = gate.matrix.astype(vectors.dtype)
        vectors[:, blocks] = matrix @ vectors[:, blocks]
    elif isinstance(gate, Diagonal):
        vectors[:, blocks] *= gate.diagonal.astype(vectors.dtype)[:, None]
    elif isinstance(gate, Permutation):
        vectors[:, blocks[gate.table]] = vectors[:, blocks]
    else:
        vectors[:, blocks] = gate.amplitudes.astype(vectors.dtype)[:, None] * vectors[:, blocks[:1]]
