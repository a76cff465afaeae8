"""The part of the engine that reads states: probabilities, amplitudes and means of strings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simquay.engine_api import Control, Strings, mask_of, storage_indices
from simquay_cupy.encoding.strings import encode_strings
from simquay_cupy.states import (
    LAUNCH_WORK,
    THREADS,
    DeviceState,
    StateEngine,
    fixed_bits,
    places_of,
)

__all__ = ["ReadingEngine"]

LANE_BITS = 8  # of a thread's number

ENOUGH_BLOCK_BITS = 10
"""log2 of the blocks that keep a device busy: sums are cut into chunks until there are so many."""

PIECE = 1 << 19  # amplitudes that are copied to the host at a time

GROUPS_AT_ONCE = 256  # groups of strings of one launch

TILE_PRODUCTS = 1 << 11
"""Products of a tile, as QS_TILE_PRODUCTS in cuda/whole_state.cuh."""

SUMS_AT_ONCE = 1 << 20
"""Sums of one launch, for many vectors: 8 MiB, half of an engine's scratch."""

QUESTIONS_AT_ONCE = 8192
"""Rows of one launch: their sums are at most 16 MiB for 256 outcomes."""


class ReadingEngine(StateEngine):
    """The engine but for its plans."""

    def probabilities(
        self, state: DeviceState, qubits: Sequence[int], given: Mapping[int, int]
    ) -> NDArray[np.float64]:
        """Joint probabilities of ``qubits`` and the given values."""
        mask, value = fixed_bits(state, given)
        if value is None:
            return np.zeros((state.batch, 1 << len(qubits)))
        values = np.full(state.batch, value, dtype=np.uint64)
        return self._joint(state, qubits, given, mask, values, state.stride)

    def block_probabilities(
        self,
        state: DeviceState,
        qubits: Sequence[int],
        fixed: Sequence[int],
        values: NDArray[np.int64],
    ) -> NDArray[np.float64]:
        """Many small blocks of probabilities, thousands in one launch."""
        places = state.layout.positions()
        mask = mask_of(places[qubit] for qubit in fixed if qubit in places)
        storage, missing = storage_indices(values, fixed, state.layout)
        result = self._joint(state, qubits, {}, mask, storage.astype(np.uint64), 0)
        result[missing] = 0
        return result

    def _joint(
        self,
        state: DeviceState,
        qubits: Sequence[int],
        given: Mapping[int, int],
        mask: int,
        values: NDArray[np.uint64],
        stride: int,
    ) -> NDArray[np.float64]:
        """Joint probabilities, shape ``(len(values), 2**len(qubits))``; rows are as those of
        :meth:`_marginal`. ``given`` has the values of those of ``qubits`` that are in ``mask``."""
        places = state.layout.positions()
        asked = [places[qubit] for qubit in qubits if qubit in places and qubit not in given]
        result = np.zeros((len(values), 1 << len(qubits)))
        # The entries where a qubit has not its given value, or is not stored and 1, stay 0.
        index: list[int | slice] = [slice(None)]
        index += [
            slice(None) if qubit in places and qubit not in given else given.get(qubit, 0)
            for qubit in reversed(qubits)
        ]
        target = result.reshape((len(values),) + (2,) * len(qubits))[tuple(index)]
        descending = sorted(asked, reverse=True)
        axes = [0, *(1 + descending.index(place) for place in reversed(asked))]
        step = max(1, SUMS_AT_ONCE >> len(asked)) if stride else QUESTIONS_AT_ONCE
        for first in range(0, len(values), step):
            some = slice(first, first + step)
            part = self.rows(state, first, first + step) if stride else state
            sums = self._marginal(part, descending[::-1], mask, values[some], stride)
            target[some] = sums.reshape((len(sums),) + (2,) * len(asked)).transpose(axes)
        return result

    def _marginal(
        self,
        state: DeviceState,
        outputs: Sequence[int],
        mask: int,
        values: NDArray[np.uint64],
        stride: int,
    ) -> NDArray[np.float64]:
        """Sums of |amplitude|², shape ``(len(values), 2**len(outputs))``.

        Bit ``j`` of the second index is storage bit ``outputs[j]``; these ascend. Row ``i`` is of
        the vector at ``i * stride``, summed where the storage bits ``mask`` are those of
        ``values[i]``.
        """
        open_bits = [bit for bit in range(len(state.order)) if not mask >> bit & 1]
        lanes = open_bits[:LANE_BITS]
        blocks = [bit for bit in outputs if bit not in lanes]
        loop = [bit for bit in open_bits if bit not in lanes and bit not in blocks]
        summed = sum(1 << j for j, bit in enumerate(lanes) if bit not in outputs)
        enough = ENOUGH_BLOCK_BITS - len(blocks) - (len(values) - 1).bit_length()
        chunk_bits = min(max(enough, 0), len(loop))
        chunks = 1 << chunk_bits
        with self.on.active():
            partial = self.on.empty((len(values), chunks, 1 << len(outputs)), np.float64)
            arguments = (
                state.vectors,
                np.uint64(stride),
                self.on.upload(values),
                np.uint64(mask_of(lanes)),
                np.uint64(mask_of(blocks)),
                np.uint64(mask_of(loop)),
                np.int32(len(lanes)),
                np.int32(summed),
                np.int32(len(outputs)),
                np.uint64(1 << (len(loop) - chunk_bits)),
                partial,
            )
            name = f"marginal_{state.precision.value}"
            self.on.launch(name, (1 << len(blocks), chunks, len(values)), THREADS, arguments)
        sums: NDArray[np.float64] = self.on.download(partial).sum(axis=1)
        return sums

    def gather(
        self, state: DeviceState, indices: NDArray[np.uint64]
    ) -> NDArray[np.complexfloating[Any]]:
        """The amplitudes at ``indices``."""
        indices = np.ascontiguousarray(indices, dtype=np.uint64)
        if not len(indices):
            return np.zeros((state.batch, 0), dtype=state.precision.complex_dtype)
        return self._pick(state, indices, 0, len(indices))

    def amplitudes(self, state: DeviceState) -> NDArray[np.complexfloating[Any]]:
        """All amplitudes in qubit order, on the host."""
        size = 1 << state.num_qubits
        if state.order == tuple(range(state.num_qubits)):
            return self.on.download(state.vectors[:, :size])
        result = np.empty((state.batch, size), dtype=state.precision.complex_dtype)
        for first in range(0, size, PIECE):
            count = min(PIECE, size - first)
            result[:, first : first + count] = self._pick(state, None, first, count)
        return result

    def _pick(
        self, state: DeviceState, indices: NDArray[np.uint64] | None, first: int, count: int
    ) -> NDArray[np.complexfloating[Any]]:
        places = places_of(state, range(state.num_qubits) or [0])
        qubits, start, size = np.int32(state.num_qubits), np.uint64(first), np.uint64(count)
        with self.on.active():
            out = self.on.empty((state.batch, count), state.precision.complex_dtype)
            where = self.on.upload(places), qubits
            null = np.uint64(0)
            chosen = null if indices is None else self.on.upload(indices)
            self._launch_over("pick", state, count, *where, chosen, start, size, out)
        return self.on.download(out)

    def means(self, state: DeviceState, strings: Strings, control: Control) -> NDArray[np.float64]:
        """The real part of each string's mean; those that need the same products share them."""
        encoded = encode_strings(strings, len(state.order))
        result = np.empty((state.batch, len(encoded.order)))
        at_once = max(1, min(GROUPS_AT_ONCE, LAUNCH_WORK >> len(state.order)))
        for number in range(0, len(encoded.groups), at_once):
            groups = encoded.groups[number : number + at_once].copy()
            first, end = int(groups[0, 4]), int(groups[-1, 4] + groups[-1, 5])
            groups[:, 4] -= groups[0, 4]
            blocks = max(1, (1 << ENOUGH_BLOCK_BITS) // (len(groups) * state.batch))
            blocks = min(blocks, -(-int(groups[:, 3].max()) // TILE_PRODUCTS))
            step = max(1, SUMS_AT_ONCE // (blocks * (end - first)))
            for row in range(0, state.batch, step):
                control.check()
                part = self.rows(state, row, min(row + step, state.batch))
                with self.on.active():
                    out = self.on.empty((part.batch, blocks, end - first), np.float64)
                    uploaded = [self.on.upload(one) for one in (groups, encoded.masks[first:end])]
                    given = (part.vectors, np.uint64(part.stride), *uploaded)
                    grid = (blocks, len(groups), part.batch)
                    name = f"string_sums_{state.precision.value}"
                    self.on.launch(name, grid, THREADS, (*given, np.uint64(end - first), out))
                sums = self.on.download(out).sum(axis=1) * encoded.scales[first:end]
                result[row : row + step, encoded.order[first:end]] = sums
        return result
