"""Reading a dense state: probabilities, and amplitudes by index.

All sums are taken in double precision, in blocks that stay in cache.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from simquay.engines.numpy.state import ComplexArray, DenseState, split_bits, storage_indices
from simquay.engines.threads import run_side_by_side
from simquay.errors import ProgramError
from simquay.program.bits import extract, spread

__all__ = [
    "all_amplitudes",
    "amplitudes_at",
    "block_probabilities",
    "joint_probabilities",
]

Marginal: TypeAlias = Callable[
    [DenseState, Sequence[int], Mapping[int, int], int], NDArray[np.float64]
]
"""As :func:`marginal_sums`."""

_BLOCK_BITS = 15
"""log2 of the amplitudes that are read at once."""

_SIDE_BY_SIDE_BITS = 18
"""From so many stored qubits on, a read is worth a second thread."""


def joint_probabilities(
    state: DenseState,
    qubits: Sequence[int],
    given: Mapping[int, int],
    threads: int,
    marginal: Marginal | None = None,
) -> NDArray[np.float64]:
    """See :meth:`simquay.engines.base.BaseEngine.probabilities`.

    ``marginal`` sums the squares: :func:`marginal_sums`, or an engine's compiled function.
    """
    width = state.stored
    if not given and width <= _BLOCK_BITS and sorted(qubits) == sorted(state.layout.order):
        return _all_squares(state, qubits, threads)  # most small circuits measure all qubits
    positions = state.layout.positions()
    result = np.zeros((state.batch, 1 << len(qubits)))
    if any(value and qubit not in positions for qubit, value in given.items()):
        return result  # a qubit that is not stored is |0>
    if len(set(qubits)) != len(qubits):
        raise ProgramError(f"probabilities of repeated qubits {tuple(qubits)}: name each once")
    # For a qubit that is both asked for and given, the entries of its other value are 0.
    both = {qubit: given[qubit] for qubit in qubits if qubit in given}
    asked = [qubit for qubit in qubits if qubit in positions and qubit not in both]
    fixed = {positions[qubit]: value for qubit, value in given.items() if qubit in positions}
    sums = (marginal or marginal_sums)(state, [positions[qubit] for qubit in asked], fixed, threads)

    # Write the sums where all qubits that are not stored are 0 and `both` have their values.
    index: list[Any] = [slice(None)]
    for qubit in reversed(qubits):
        if qubit in both:
            index.append(both[qubit])
        elif qubit in positions:
            index.append(slice(None))
        else:
            index.append(0)
    target = result.reshape((state.batch,) + (2,) * len(qubits))
    target[tuple(index)] = sums.reshape((state.batch,) + (2,) * len(asked))
    return result


def _all_squares(state: DenseState, qubits: Sequence[int], threads: int) -> NDArray[np.float64]:
    """|amplitude|² of all stored amplitudes; ``qubits`` are those that are stored, in any order."""
    vector, order = state.vector, state.layout.order
    count = len(order)
    axes = [0, *[count - order.index(qubit) for qubit in reversed(qubits)]]
    result = np.empty(vector.shape)
    step = max(1 << _BLOCK_BITS >> count, 1)

    def share(firsts: Iterable[int]) -> None:
        for first in firsts:
            some = vector[first : first + step]
            into = result[first : first + step]
            if tuple(qubits) == order:
                np.square(some.real, dtype=np.float64, out=into)
                into += np.square(some.imag, dtype=np.float64)
                continue
            squares = np.square(some.real, dtype=np.float64)
            squares += np.square(some.imag, dtype=np.float64)
            cube = squares.reshape((-1,) + (2,) * count).transpose(axes)
            into.reshape(cube.shape)[...] = cube

    firsts = range(0, state.batch, step)
    if state.batch << count < 1 << _SIDE_BY_SIDE_BITS:
        share(firsts)
    else:
        run_side_by_side([partial(share, firsts[own::threads]) for own in range(threads)])
    return result


def marginal_sums(
    state: DenseState, kept: Sequence[int], fixed: Mapping[int, int], threads: int
) -> NDArray[np.float64]:
    """Sums of |amplitude|² over all bits but ``kept`` (positions), where ``fixed`` bits hold.

    Shape ``(batch, 2**len(kept))``; bit ``j`` of the second index is storage bit ``kept[j]``.
    """
    width = state.stored
    low = min(_BLOCK_BITS, width)
    vector = state.vector
    low_fixed = {bit: value for bit, value in fixed.items() if bit < low}
    low_kept = sorted((bit for bit in kept if bit < low), reverse=True)
    high_kept = sorted((bit for bit in kept if bit >= low), reverse=True)
    free_low = [bit for bit in range(low) if bit not in low_fixed]
    # Bits of a block's squares: bit 0 tells the real from the imaginary part.
    kept_bits = {1 + free_low.index(bit) for bit in low_kept}
    sums = np.zeros((state.batch, 1 << len(high_kept), 1 << len(low_kept)))

    # Small vectors are read several at once.
    together = max(1, (1 << _BLOCK_BITS) >> low)

    def squares(row: int, first: int) -> NDArray[np.float64]:
        block = vector[row : row + together, first : first + (1 << low)]
        if low_fixed:
            view, axes = split_bits(block, low, list(low_fixed))
            index: list[int | slice] = [slice(None)] * view.ndim
            for bit, value in low_fixed.items():
                index[axes[bit]] = value
            block = view[tuple(index)]
        real = np.ascontiguousarray(block).view(vector.real.dtype).reshape(len(block), -1)
        values = real.astype(np.float64)
        return np.multiply(values, values, out=values)

    def share(part: list[tuple[int, int]], into: NDArray[np.float64]) -> None:
        # The blocks of one entry follow each other: they are added up before their bits are summed.
        for row in range(0, state.batch, together):
            for entry, group in groupby(part, key=itemgetter(0)):
                total: NDArray[np.float64] | None = None
                for _, first in group:
                    values = squares(row, first)
                    total = values if total is None else np.add(total, values, out=total)
                assert total is not None
                into[row : row + together, entry] += _sum_bits(total, kept_bits)

    blocks = _blocks(width, low, fixed, high_kept)
    if threads > 1 and width >= _SIDE_BY_SIDE_BITS and len(blocks) >= 2 * threads:
        parts = [sums] + [np.zeros_like(sums) for _ in range(threads - 1)]
        calls: list[Callable[[], None]] = [
            partial(share, blocks[i * len(blocks) // threads : (i + 1) * len(blocks) // threads], p)
            for i, p in enumerate(parts)
        ]
        run_side_by_side(calls)
        for part in parts[1:]:
            sums += part
    else:
        share(blocks, sums)

    # From descending storage bits to the caller's order, whose last qubit is the highest bit.
    present = [*high_kept, *low_kept]
    wanted = list(reversed(kept))
    cube = sums.reshape((state.batch,) + (2,) * len(present))
    order = [0, *(1 + present.index(bit) for bit in wanted)]
    return np.ascontiguousarray(cube.transpose(order)).reshape(state.batch, -1)


def _blocks(
    width: int, low: int, fixed: Mapping[int, int], high_kept: Sequence[int]
) -> list[tuple[int, int]]:
    """``(entry, first)`` of each block of ``2**low`` amplitudes that agrees with ``fixed``, sorted.

    ``first`` is the index of the block's first amplitude, ``entry`` the value of its bits
    ``high_kept``, the first of which is the highest: the sum that the block belongs to.
    """
    first = spread([bit for bit in range(low, width) if bit not in fixed])
    first += sum(value << bit for bit, value in fixed.items() if bit >= low)
    entry = extract(first, list(reversed(high_kept)))
    return sorted(zip(entry.tolist(), first.tolist(), strict=True))


def _sum_bits(values: NDArray[np.float64], kept: Set[int]) -> NDArray[np.float64]:
    """Sum each row over all bits of the index but ``kept``.

    The highest bit comes first: the runs that it separates are the longest.
    """
    rows, size = values.shape
    for bit in range(size.bit_length() - 2, -1, -1):
        if bit not in kept:
            halves = values.reshape(rows, -1, 2, 1 << bit)
            values = np.add(halves[:, :, 0], halves[:, :, 1]).reshape(rows, -1)
    return values


def block_probabilities(
    state: DenseState,
    qubits: Sequence[int],
    fixed: Sequence[int],
    values: NDArray[np.int64],
) -> NDArray[np.float64]:
    """See :meth:`simquay.engines.base.BaseEngine.block_probabilities`; every stored qubit is among
    ``qubits`` and ``fixed``."""
    inside, inside_missing = storage_indices(np.arange(1 << len(qubits)), qubits, state.layout)
    starts, start_missing = storage_indices(values, fixed, state.layout)
    vector = state.vector[0]
    result = np.empty((len(values), 1 << len(qubits)))
    step = max(1, (1 << _BLOCK_BITS) >> len(qubits))
    for first in range(0, len(values), step):
        found = vector[starts[first : first + step, None] | inside].astype(np.complex128)
        part = result[first : first + step]
        np.multiply(found.real, found.real, out=part)
        part += found.imag * found.imag
    result[:, inside_missing] = 0
    result[start_missing] = 0
    return result


def amplitudes_at(state: DenseState, indices: NDArray[np.uint64]) -> ComplexArray:
    """See :meth:`simquay.engines.base.BaseEngine.gather`."""
    wanted = np.asarray(indices, dtype=np.uint64)
    highest = int(np.max(wanted, initial=0))
    if highest >> state.num_qubits:
        raise ProgramError(f"index {highest} is past {state.num_qubits} qubits")
    storage, missing = storage_indices(
        wanted.view(np.int64), range(min(state.num_qubits, 64)), state.layout
    )
    found: ComplexArray = state.vector[:, storage]
    found[:, missing] = 0
    return found


def all_amplitudes(state: DenseState) -> ComplexArray:
    """See :meth:`simquay.engines.base.BaseEngine.amplitudes`."""
    order = state.layout.order
    by_qubit = sorted(range(len(order)), key=lambda position: -order[position])
    cube = state.vector.reshape((state.batch,) + (2,) * len(order))
    sorted_cube = cube.transpose([0, *(len(order) - position for position in by_qubit)])
    if len(order) == state.num_qubits:
        # transpose() may give back the very view: the caller gets amplitudes of its own.
        return np.array(sorted_cube, order="C").reshape(state.batch, -1)
    result = np.zeros((state.batch, 1 << state.num_qubits), dtype=state.buffer.dtype)
    index = [slice(None)] + [
        slice(None) if qubit in order else 0 for qubit in reversed(range(state.num_qubits))
    ]
    result.reshape((state.batch,) + (2,) * state.num_qubits)[tuple(index)] = sorted_cube
    return result
