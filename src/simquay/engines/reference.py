"""The reference engine: slow, plain, and right by inspection. Tests compare other engines with it.

It applies one gate at a time, by index arithmetic on whole arrays. Every method first computes the
storage indices that it works on; :func:`_indices` alone knows how bits are laid out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simquay.control import Control
from simquay.engines.base import check_plan
from simquay.errors import ProgramError
from simquay.planning import GatePass, Layout, Plan, Profile
from simquay.program import Diagonal, GateOperation, Matrix, Permutation, Precision, Prepare
from simquay.program.bits import spread
from simquay.program.operations import Relabel
from simquay.system.memory import host_available_bytes

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


class ReferenceEngine:
    """The oracle: plans of the strategy ``gates``, on the CPU, in NumPy."""

    name = "reference"
    device = "cpu"

    def profile(self, precision: Precision, num_qubits: int) -> Profile:
        """One gate a pass, as written."""
        return Profile("gates")

    def required_bytes(self, num_qubits: int, precision: Precision, batch: int = 1) -> int:
        """The state, and at worst two gathered copies, index arrays and probabilities."""
        return (1 << num_qubits) * (batch * (3 * precision.amplitude_bytes + 24) + 24)

    def available_bytes(self) -> int:
        """Host memory that a new run could take now."""
        return host_available_bytes()

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
        """Apply ``plan`` in place, one gate a pass.

        Raises:
            ProgramError: if the plan is for another strategy or layout.
            Cancelled: if the control says so.
        """
        check_plan(self.name, state, plan, ("gates",))
        for done, step in enumerate(plan.passes, start=1):
            control.check()
            if not isinstance(step, GatePass):
                raise ProgramError(f"the reference engine has no pass {type(step).__name__}")
            _apply_gate(state, step.gate)
            control.report(done / len(plan.passes))

    def probabilities(
        self, state: ReferenceState, qubits: Sequence[int], given: Mapping[int, int]
    ) -> NDArray[np.float64]:
        """Joint probabilities, shape ``(batch, 2**len(qubits))``; see the protocol."""
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

    def gather(self, state: ReferenceState, indices: NDArray[np.uint64]) -> ComplexArray:
        """The amplitudes at the given indices (qubit order), shape ``(batch, len(indices))``."""
        indices = np.asarray(indices, dtype=np.uint64)
        rows = np.zeros(len(indices), dtype=np.intp)
        outside = np.zeros(len(indices), dtype=bool)
        for qubit in range(state.num_qubits):
            value = (indices >> np.uint64(qubit) & np.uint64(1)).astype(np.intp)
            if qubit in state.order:
                rows |= value << state.order.index(qubit)
            else:
                outside |= value == 1
        amplitudes = state.vectors[:, rows]
        amplitudes[:, outside] = 0
        return amplitudes

    def amplitudes(self, state: ReferenceState) -> ComplexArray:
        """All amplitudes in qubit order, shape ``(batch, 2**num_qubits)``."""
        result = np.zeros((state.batch, 1 << state.num_qubits), state.precision.complex_dtype)
        result[:, spread(state.order)] = state.vectors
        return result

    def collapse(
        self, state: ReferenceState, outcome: Mapping[int, int], probability: float
    ) -> None:
        """Project in place onto ``outcome`` (qubit → 0 or 1); divide by sqrt(probability)."""
        vectors = np.zeros_like(state.vectors)
        if not any(value for qubit, value in outcome.items() if qubit not in state.order):
            rows = _indices(state.order, outcome)
            vectors[:, rows] = state.vectors[:, rows] / np.sqrt(probability)
        state.vectors = vectors

    def flip(self, state: ReferenceState, qubits: Sequence[int]) -> None:
        """Apply X to each of ``qubits`` in place."""
        for qubit in qubits:
            _apply_gate(state, Permutation(np.array([1, 0]), (qubit,)))

    def select(self, parts: Sequence[tuple[ReferenceState, Sequence[int]]]) -> ReferenceState:
        """A new state with chosen vectors, in the given order; see the protocol."""
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

    def project(
        self,
        state: ReferenceState,
        qubits: Sequence[int],
        outcomes: NDArray[np.int64],
        probabilities: NDArray[np.float64],
        resets: Sequence[int] = (),
    ) -> None:
        """Collapse each vector onto an outcome of its own; then reset ``resets``."""
        vectors = np.zeros_like(state.vectors)
        for number, outcome in enumerate(outcomes.tolist()):
            values = {qubit: outcome >> bit & 1 for bit, qubit in enumerate(qubits)}
            found = _indices(state.order, values)
            kept = _indices(state.order, {**values, **dict.fromkeys(resets, 0)})
            scale = np.sqrt(probabilities[number])
            vectors[number, kept] = state.vectors[number, found] / scale
        state.vectors = vectors

    def expectation(self, state: ReferenceState, paulis: Sequence[str]) -> NDArray[np.float64]:
        """Expectation values of Pauli strings, shape ``(batch, len(paulis))``."""
        result = np.zeros((state.batch, len(paulis)))
        rows = np.arange(state.vectors.shape[1])
        bra = state.vectors.astype(np.complex128).conj()
        for column, label in enumerate(paulis):
            if len(label) != state.num_qubits or set(label) - set("IXYZ"):
                raise ProgramError(
                    f"Pauli string {label!r}: expected {state.num_qubits} letters of I, X, Y, Z"
                )
            # P|i> = i**(number of Y) (-1)**parity(i & z) |i ^ x>, since Y = i X Z.
            targets = rows.copy()
            factors = np.ones(len(rows), dtype=np.complex128)
            for qubit, letter in enumerate(reversed(label)):
                if letter == "I":
                    continue
                if qubit not in state.order:
                    if letter != "Z":  # <0|X|0> = <0|Y|0> = 0, <0|Z|0> = 1
                        factors[:] = 0
                    continue
                position = state.order.index(qubit)
                if letter in "XY":
                    targets ^= 1 << position
                if letter in "YZ":
                    factors *= 1 - 2 * (rows >> position & 1)
                if letter == "Y":
                    factors *= 1j
            result[:, column] = (bra[:, targets] * factors * state.vectors).sum(axis=1).real
        return result

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
    """Apply one gate, as :mod:`simquay.program.operations` defines it."""
    if isinstance(gate, Relabel):
        renamed = dict(zip(gate.sources, gate.qubits, strict=True))
        state.order = [renamed.get(qubit, qubit) for qubit in state.order]
        return
    fixed = dict.fromkeys(gate.qubits, 0)
    if not isinstance(gate, Prepare):
        for bit, control in enumerate(gate.controls):
            fixed[control] = gate.control_state >> bit & 1
            if fixed[control] and control not in state.order:
                return  # the control is |0> and 1 is asked for
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
