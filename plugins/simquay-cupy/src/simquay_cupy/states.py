"""The state on the device, and the part of the engine that reads, projects and selects states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simquay.engine_api import (
    BaseEngine,
    Control,
    Layout,
    Precision,
    ProgramError,
    Strings,
    bit_counts,
    mask_of,
    storage_indices,
)
from simquay_cupy.encoding.strings import encode_strings

if TYPE_CHECKING:  # it imports CuPy
    from simquay_cupy.device.cuda import CudaDevice

__all__ = ["DeviceState", "StateEngine"]

THREADS = 256
"""Threads of a block, as QS_THREADS in cuda/whole_state.cuh."""

LANE_BITS = 8  # of a thread's number

ENOUGH_BLOCK_BITS = 10
"""log2 of the blocks that keep a device busy: sums are cut into chunks until there are so many."""

MAX_BLOCKS = 4096
"""Blocks of a launch over amplitudes; each then does several."""

PIECE = 1 << 19  # amplitudes that are copied to the host at a time

GROUPS_AT_ONCE = 256  # groups of strings of one launch

LAUNCH_WORK = 1 << 32
"""Amplitudes times groups of one launch: some ten milliseconds."""

TILE_PRODUCTS = 1 << 11
"""Products of a tile, as QS_TILE_PRODUCTS in cuda/whole_state.cuh."""

SUMS_AT_ONCE = 1 << 20
"""Sums of one launch, for many vectors: 8 MiB, half of an engine's scratch."""

QUESTIONS_AT_ONCE = 8192
"""Rows of one launch: their sums are at most 16 MiB for 256 outcomes."""


@dataclass(slots=True, eq=False)
class DeviceState:
    """State vectors on a device.

    Attributes:
        num_qubits: of the program.
        precision: of the amplitudes.
        order: the qubit at each storage bit.
        vectors: a device array, shape ``(batch, stride)``; the amplitudes are the first
            ``2**len(order)`` of each row, and the rest is undefined. None once the state is
            released. ``stride`` is at least a tile: small states are padded.
    """

    num_qubits: int
    precision: Precision
    order: tuple[int, ...]
    vectors: Any

    @property
    def batch(self) -> int:
        """How many vectors there are."""
        return int(self.vectors.shape[0])

    @property
    def stride(self) -> int:
        """Amplitudes from one vector to the next."""
        return int(self.vectors.shape[1])

    @property
    def layout(self) -> Layout:
        """Where each qubit is stored."""
        return Layout(self.order)


class StateEngine(BaseEngine[DeviceState]):
    """The engine but for its plans.

    Attributes:
        on: the device.
    """

    on: CudaDevice

    def _launch_over(
        self,
        name: str,
        state: DeviceState,
        count: int,
        *arguments: Any,
        batch: int | None = None,
        most: int = MAX_BLOCKS,
    ) -> None:
        """Launch the kernel ``name`` over ``count`` amplitudes of every vector of the state, or of
        the ``batch`` vectors that the kernel takes from it; with ``most`` blocks for each."""
        grid = (min(-(-count // THREADS), most), 1, state.batch if batch is None else batch)
        given = (state.vectors, np.uint64(state.stride), *arguments)
        self.on.launch(f"{name}_{state.precision.value}", grid, THREADS, given)

    def probabilities(
        self, state: DeviceState, qubits: Sequence[int], given: Mapping[int, int]
    ) -> NDArray[np.float64]:
        """Joint probabilities of ``qubits`` and the given values."""
        mask, value = _fixed_bits(state, given)
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
        places = _places(state, range(state.num_qubits) or [0])
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

    def collapse(self, state: DeviceState, outcome: Mapping[int, int], probability: float) -> None:
        """Project in place onto ``outcome``, and divide by sqrt(probability)."""
        mask, value = _fixed_bits(state, outcome)
        if value is None:
            raise ProgramError(f"outcome {dict(outcome)} has 1 for a qubit that is |0>")
        values = np.full(state.batch, value, dtype=np.uint64)
        self._project(state, mask, values, np.full(state.batch, probability))

    def flip(self, state: DeviceState, qubits: Sequence[int]) -> None:
        """Apply X to each of ``qubits``, which must be stored, in place."""
        self._flip(state, np.full(state.batch, _storage_mask(state, qubits), dtype=np.uint64))

    def project(
        self,
        state: DeviceState,
        qubits: Sequence[int],
        outcomes: NDArray[np.int64],
        probabilities: NDArray[np.float64],
        resets: Sequence[int] = (),
    ) -> None:
        """Collapse each vector onto its own outcome, in place; then reset ``resets``."""
        values = storage_indices(outcomes, qubits, state.layout)[0].astype(np.uint64)
        self._project(state, _storage_mask(state, qubits), values, probabilities)
        self._flip(state, values & np.uint64(_storage_mask(state, resets)))

    def _project(
        self,
        state: DeviceState,
        mask: int,
        values: NDArray[np.uint64],
        probabilities: NDArray[np.float64],
    ) -> None:
        """Project vector ``i`` onto ``values[i]`` in the storage bits ``mask``, and divide it by
        sqrt(``probabilities[i]``); both have shape ``(batch,)``."""
        size = 1 << len(state.order)
        factors = (1 / np.sqrt(probabilities)).astype(state.precision.real_dtype)
        with self.on.active():
            arrays = self.on.upload(values), self.on.upload(factors)
            self._launch_over("project", state, size, np.uint64(size), np.uint64(mask), *arrays)

    def _flip(self, state: DeviceState, masks: NDArray[np.uint64]) -> None:
        """Apply X to the storage bits ``masks[i]`` of vector ``i``; shape ``(batch,)``."""
        size = 1 << len(state.order)
        if masks.any():
            with self.on.active():
                uploaded = self.on.upload(masks)
                self._launch_over("flip_bits", state, size, np.uint64(size), uploaded)

    def paired(
        self, state: DeviceState, qubit: int, strings: Strings, weights: NDArray[np.float64]
    ) -> DeviceState:
        """The same state, which stores ``qubit`` as well: its highest bit."""
        size = 1 << len(state.order)
        order = np.argsort(strings.x, kind="stable")
        terms = np.array(strings, dtype=np.uint64).T[order]
        factors = (weights * np.array([1, 1j, -1, -1j])[bit_counts(strings.x & strings.z) & 3])[
            order
        ]
        step = max(1, LAUNCH_WORK >> len(state.order))
        with self.on.active():
            for first in range(0, max(len(order), 1), step):
                some = slice(first, first + step)
                given = [self.on.upload(one[some].copy()) for one in (terms, factors)]
                numbers = np.uint64(len(order[some])), np.uint64(first > 0)
                self._launch_over("add_strings", state, size, np.uint64(size), *given, *numbers)
        state.order = (*state.order, qubit)
        return state

    def select(self, parts: Sequence[tuple[DeviceState, Sequence[int]]]) -> DeviceState:
        """A new state with chosen vectors."""
        first = parts[0][0]
        if len({(part.num_qubits, part.precision, part.stride) for part, _ in parts}) > 1:
            raise ProgramError("vectors of different sizes cannot be in one state")
        order = tuple(dict.fromkeys(qubit for part, _ in parts for qubit in part.order))
        size = 1 << len(order)
        count = sum(len(numbers) for _, numbers in parts)
        with self.on.active():
            vectors = self.on.empty((count, first.stride), first.precision.complex_dtype)
            done = 0
            for part, numbers in parts:
                chosen = self.on.upload(np.array(numbers, dtype=np.uint64))
                places = self.on.upload(_places(part, order))
                given = (chosen, places, np.int32(len(order)), vectors[done : done + len(numbers)])
                self._launch_over("select", part, size, *given, batch=len(numbers))
                done += len(numbers)
        return DeviceState(first.num_qubits, first.precision, order, vectors)

    def rows(self, state: DeviceState, start: int, stop: int) -> DeviceState:
        """The vectors ``start`` to ``stop - 1`` as a state, without a copy."""
        vectors = state.vectors[start:stop]
        return DeviceState(state.num_qubits, state.precision, state.order, vectors)


def _places(state: DeviceState, qubits: Sequence[int]) -> NDArray[np.int32]:
    """The storage bit of each of ``qubits``, -1 where it has none."""
    places = state.layout.positions()
    return np.array([places.get(qubit, -1) for qubit in qubits], dtype=np.int32)


def _fixed_bits(state: DeviceState, given: Mapping[int, int]) -> tuple[int, int | None]:
    """Mask and value on the storage index for ``given`` (qubit → 0 or 1).

    The value is None if a qubit that is not stored, and so is |0>, is given as 1.
    """
    places = state.layout.positions()
    mask = value = 0
    for qubit, bit in given.items():
        if qubit in places:
            mask |= 1 << places[qubit]
            value |= bit << places[qubit]
        elif bit:
            return 0, None
    return mask, value


def _storage_mask(state: DeviceState, qubits: Sequence[int]) -> int:
    """A mask of the storage bits of ``qubits``; a qubit named twice counts as none.

    Raises:
        ProgramError: if a qubit is not stored.
    """
    places = state.layout.positions()
    mask = 0
    for qubit in qubits:
        if qubit not in places:
            raise ProgramError(f"qubit {qubit} is not stored and cannot be changed in place")
        mask ^= 1 << places[qubit]
    return mask
