"""Gate lists in the form that :mod:`simquay_numba.kernels.gates` reads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simquay.engine_api import (
    ComplexArray,
    Control,
    DenseState,
    Diagonal,
    GateListPass,
    GateOperation,
    Matrix,
    Permutation,
    Prepare,
    Relabel,
    Strings,
    run_side_by_side,
    yield_to_others,
)
from simquay_numba.buffers import address, aligned_bytes
from simquay_numba.kernels.gates import DIAGONAL, MATRIX, PERMUTATION, PREPARE, READ, run_gates
from simquay_numba.kernels.rows import room_blocks, run_rows
from simquay_numba.kernels.vectors import BLOCK_BYTES, VECTOR_BYTES

__all__ = ["EncodedList", "apply_gate_list", "apply_sweep_list", "encoded_list"]


_NUMBERS: dict[type, tuple[int, Callable[[Any], NDArray[Any]]]] = {
    Matrix: (MATRIX, attrgetter("matrix")),
    Diagonal: (DIAGONAL, attrgetter("diagonal")),
    Permutation: (PERMUTATION, attrgetter("table")),
    Prepare: (PREPARE, attrgetter("amplitudes")),
}
"""How the kernel names each kind of gate, and what gives its array."""

_COMPLEX = np.dtype(np.complex128)


def apply_gate_list(state: DenseState, pass_: GateListPass) -> None:
    """Apply a pass to every vector of a state."""
    stored = set(state.layout.order)
    state.grow([qubit for qubit in pass_.order if qubit not in stored])
    code, numbers, widest = _encoded(pass_)
    real = state.buffer.real.dtype
    arrays = np.frombuffer(b"".join([one.tobytes() for one in numbers]), dtype=np.complex128)
    factors = arrays.real.astype(real), arrays.imag.astype(real)
    room = np.empty((2, 1 << widest), dtype=real)
    words = np.fromiter(code, np.int64, len(code))
    for vector in state.vector:
        re, im = vector.real.copy(), vector.imag.copy()
        run_gates(words, *factors, re, im, *room, _NO_MEANS)
        vector.real, vector.imag = re, im


class EncodedList(NamedTuple):
    """See :meth:`simquay.engine_api.BaseEngine.gate_list`.

    Attributes:
        order: the layout of states.
        words: of the gates and strings.
        constants: the numbers that do not change; they follow those that do.
        widest: the most targets of a gate.
        reads: how many strings are read.
    """

    order: tuple[int, ...]
    words: NDArray[np.int64]
    constants: ComplexArray
    widest: int
    reads: int

    def run(self, state: DenseState, changed: ComplexArray) -> NDArray[np.float64]:
        """See :meth:`simquay.engine_api.BaseEngine.run_list`."""
        if not state.layout.order:
            state.grow(self.order)
        (vector,) = state.vector
        real = state.buffer.real.dtype
        numbers = np.concatenate([changed, self.constants])
        room = np.empty((2, 1 << self.widest), dtype=real)
        means = np.empty((1, self.reads))
        re, im = vector.real.copy(), vector.imag.copy()
        given = numbers.real.astype(real), numbers.imag.astype(real), re, im
        run_gates(self.words, *given, *room, means[0])
        vector.real, vector.imag = re, im
        return means


def encoded_list(
    gates: Sequence[GateOperation],
    order: tuple[int, ...],
    starts: Mapping[int, int],
    changed: int,
    strings: Strings,
    places: Sequence[int],
) -> EncodedList:
    """See :meth:`simquay.engine_api.BaseEngine.gate_list`."""
    reads: defaultdict[int, list[int]] = defaultdict(list)
    for place, (x, z, fixed, values) in zip(places, np.transpose(strings).tolist(), strict=True):
        reads[place] += (READ, fixed, values, z, 1, x)
    code, numbers, widest = _encoded(GateListPass(gates, order), starts, changed, reads)
    constants = np.frombuffer(b"".join([one.tobytes() for one in numbers]), dtype=np.complex128)
    return EncodedList(order, np.array(code, dtype=np.int64), constants, widest, len(places))


_NO_MEANS = np.empty(0)


_PORTION = 1 << 22
"""The amplitudes times gates of a sweep between two looks at the control: about a millisecond."""

_ALONE = 1 << 20
"""Those for which one thread is as fast as several."""


def apply_sweep_list(
    state: DenseState, pass_: GateListPass, threads: int, control: Control
) -> None:
    """Apply a pass of a sweep to every vector of a state, each with numbers of its own."""
    before = 1 << state.stored
    stored = set(state.layout.order)
    state.grow_unwritten([qubit for qubit in pass_.order if qubit not in stored])
    starts: dict[int, int] = {}
    first = 0
    for places, numbers in pass_.changes:
        for place in places:
            starts[place] = first
            first += numbers.shape[2]
    code, arrays, widest = _encoded(pass_, starts, first)
    words = np.fromiter(code, np.int64, len(code))
    constants = np.frombuffer(b"".join([one.tobytes() for one in arrays]), dtype=np.complex128)
    batch, vectors = state.batch, state.vector
    changed = np.empty((batch, first), dtype=_COMPLEX)
    first = 0
    for _, each in pass_.changes:
        width = each.shape[1] * each.shape[2]
        changed[:, first : first + width] = each.reshape(batch, width)
        first += width
    unit = vectors.real.dtype.type(0)
    lanes = VECTOR_BYTES // unit.itemsize
    work = lanes * (len(pass_.gates) + 1) << state.stored
    step = max(_PORTION // work, 1) * lanes
    if batch * work <= _ALONE * lanes:
        threads = 1
    else:  # the same for each, if that is less
        step = min(step, -(-batch // (threads * lanes)) * lanes)
    portions = range(0, batch, step)
    threads = min(threads, len(portions))
    left = iter(portions)

    def share() -> None:
        memory = aligned_bytes(room_blocks(state.stored, widest) * BLOCK_BYTES)
        offsets = np.empty(1 << widest, dtype=np.int64)
        room = address(memory), offsets, address(offsets)
        while not yield_to_others():
            start = next(left, batch)  # one step of a range: no two threads get the same
            if start == batch:
                return
            control.check()
            stop = min(start + step, batch)
            rows = vectors, before, start, stop
            run_rows(unit, unit.itemsize, words, changed, constants, *rows, *room)
            control.report(stop / batch)

    run_side_by_side([share] * threads)


def _encoded(
    pass_: GateListPass,
    starts: Mapping[int, int] | None = None,
    first: int = 0,
    reads: Mapping[int, Sequence[int]] | None = None,
) -> tuple[list[int], list[NDArray[Any]], int]:
    """The words of the gates, the arrays of their numbers, and the most targets of one.

    Args:
        pass_: the gates.
        starts: by the place of a gate, where its numbers begin, which are not among the arrays.
        first: where the numbers of the arrays begin.
        reads: by the place of a gate, the words of what is read before it; at the end, those of
            what is read last.
    """
    place = {qubit: bit for bit, qubit in enumerate(pass_.order)}
    code: list[int] = []
    numbers: list[NDArray[Any]] = []
    widest = 1
    for number, gate in enumerate(pass_.gates):
        if reads and number in reads:
            code += reads[number]
        if type(gate) is Relabel:
            moved = [place.get(source) for source in gate.sources]
            for qubit, bit in zip(gate.qubits, moved, strict=True):
                if bit is None:  # |0>, and not stored
                    place.pop(qubit, None)
                else:
                    place[qubit] = bit
            continue
        kind, array_of = _NUMBERS[type(gate)]
        array = array_of(gate)
        qubits = gate.qubits
        mask = value = 0
        if gate.controls:
            state = gate.control_state
            for control, qubit in enumerate(gate.controls):
                bit = 1 << place[qubit]
                mask |= bit
                if state >> control & 1:
                    value |= bit
        begin = starts.get(number) if starts else None
        start = first if begin is None else begin
        if len(qubits) == 1:  # most gates
            code += (kind, mask, value, start, 1, place[qubits[0]])
        else:
            code += (kind, mask, value, start, len(qubits), *[place[one] for one in qubits])
            widest = max(widest, len(qubits))
        if kind == PERMUTATION:
            code += array.tolist()
        elif begin is None:
            if array.dtype is not _COMPLEX:
                array = array.astype(_COMPLEX)
            numbers.append(array)
            first += array.size
    if reads:
        code += reads.get(len(pass_.gates), ())
    return code, numbers, widest
