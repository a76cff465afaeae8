"""Reading a state on the device: probabilities, amplitudes, expectation values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simquay.engine_api import BaseEngine, mask_of, pauli_letters
from simquay_cupy.state import DeviceState

if TYPE_CHECKING:  # it imports CuPy
    from simquay_cupy.device.cuda import CudaDevice

__all__ = ["ReadingEngine", "fixed_bits"]

THREADS = 256
"""Threads of a block, as QS_THREADS in cuda/whole_state.cuh."""

LANE_BITS = 8
"""Bits of a thread's number."""

ENOUGH_BLOCK_BITS = 10
"""log2 of the blocks that keep a device busy: sums are cut into chunks until there are so many."""

MAX_BLOCKS = 4096
"""Blocks of a launch over amplitudes; each then does several."""

PIECE = 1 << 19
"""Amplitudes that are copied to the host at a time."""

PAULIS_AT_ONCE = 64
"""Pauli strings of one launch."""

SUMS_AT_ONCE = 1 << 20
"""Sums of one launch, for many vectors: 8 MiB, half of an engine's scratch."""

QUESTIONS_AT_ONCE = 8192
"""Rows of one launch: their sums are at most 16 MiB for 256 outcomes."""


def fixed_bits(state: DeviceState, given: Mapping[int, int]) -> tuple[int, int | None]:
    """Mask and value on the storage index for ``given`` (qubit → 0 or 1).

    The value is None if a qubit that is not stored, and so is |0>, is given as 1.
    """
    places = state.layout.positions()
    mask = value = 0
    for qubit, bit in given.items():
        if qubit in places:
            mask |= 1 << places[qubit]
            value |= (bit & 1) << places[qubit]
        elif bit:
            return 0, None
    return mask, value


class ReadingEngine(BaseEngine[DeviceState]):
    """The part of the engine that reads states.

    Attributes:
        on: the device.
    """

    on: CudaDevice

    def launch_over(
        self, name: str, state: DeviceState, count: int, arguments: Sequence[Any]
    ) -> None:
        """Launch the kernel ``name`` over ``count`` amplitudes of every vector of the batch."""
        grid = (min(-(-count // THREADS), MAX_BLOCKS), 1, state.batch)
        self.on.launch(f"{name}_{state.precision.value}", grid, THREADS, arguments)

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
        storage = np.zeros(len(values), dtype=np.uint64)
        possible = np.ones(len(values), dtype=bool)
        for bit, qubit in enumerate(fixed):
            ones = (values >> bit & 1).astype(np.uint64)
            if qubit in places:
                storage |= ones << np.uint64(places[qubit])
            else:
                possible &= ones == 0
        mask = mask_of(places[qubit] for qubit in fixed if qubit in places)
        result = self._joint(state, qubits, {}, mask, storage, 0)
        result[~possible] = 0
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
        :meth:`_marginal`."""
        places = state.layout.positions()
        free = [(bit, places[qubit]) for bit, qubit in enumerate(qubits) if qubit in places]
        # A qubit may be given, too: its entries for the other value stay 0.
        outputs = [(bit, place) for bit, place in free if not mask >> place & 1]
        ascending = sorted(place for _, place in outputs)
        result = np.zeros((len(values), 1 << len(qubits)))
        step = max(1, SUMS_AT_ONCE >> len(outputs)) if stride else QUESTIONS_AT_ONCE
        for first in range(0, len(values), step):
            rows = slice(first, first + step)
            vectors = state.vectors[rows] if stride else state.vectors
            part = DeviceState(state.num_qubits, state.precision, state.order, vectors)
            sums = self._marginal(part, ascending, mask, values[rows], stride)
            _spread_outputs(result[rows], sums, outputs, qubits, given)
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
        with self.on.active():
            return self._pick(state, self.on.upload(indices), 0, len(indices))

    def amplitudes(self, state: DeviceState) -> NDArray[np.complexfloating[Any]]:
        """All amplitudes in qubit order, on the host."""
        size = 1 << state.num_qubits
        result = np.empty((state.batch, size), dtype=state.precision.complex_dtype)
        if state.order == tuple(range(state.num_qubits)):
            with self.on.active():
                result[:] = self.on.download(state.vectors[:, :size])
            return result
        for first in range(0, size, PIECE):
            count = min(PIECE, size - first)
            with self.on.active():
                result[:, first : first + count] = self._pick(state, None, first, count)
        return result

    def _pick(
        self, state: DeviceState, indices: Any, first: int, count: int
    ) -> NDArray[np.complexfloating[Any]]:
        places = state.layout.positions()
        where = np.array(
            [places.get(q, -1) for q in range(state.num_qubits)] or [0], dtype=np.int32
        )
        out = self.on.empty((state.batch, count), state.precision.complex_dtype)
        arguments = (
            state.vectors,
            np.uint64(state.stride),
            self.on.upload(where),
            np.int32(state.num_qubits),
            indices,
            np.uint64(first),
            np.uint64(count),
            out,
        )
        self.launch_over("pick", state, count, arguments)
        return self.on.download(out)

    def expectation(self, state: DeviceState, paulis: Sequence[str]) -> NDArray[np.float64]:
        """Expectation values of Pauli strings.

        A Pauli string is ``i**y X(x) Z(z)`` with masks ``x`` and ``z``, which have ``y`` bits in
        common; strings of equal ``x`` share a pass over the state.
        """
        places = state.layout.positions()
        result = np.zeros((state.batch, len(paulis)))
        groups: dict[int, list[tuple[int, int]]] = {}
        for number, pauli in enumerate(paulis):
            letters = pauli_letters(pauli, state.num_qubits)
            if all(qubit in places or letter == "Z" for qubit, letter in letters.items()):
                stored = [(places[q], letter) for q, letter in letters.items() if q in places]
                x = mask_of(place for place, letter in stored if letter != "Z")
                z = mask_of(place for place, letter in stored if letter != "X")
                groups.setdefault(x, []).append((number, z))
        for x, members in groups.items():
            for start in range(0, len(members), PAULIS_AT_ONCE):
                part = members[start : start + PAULIS_AT_ONCE]
                sums = self._pauli_sums(state, x, [z for _, z in part])
                for column, (number, z) in enumerate(part):
                    result[:, number] = (sums[:, column] * 1j ** (x & z).bit_count()).real
        return result

    def _pauli_sums(self, state: DeviceState, x: int, z: Sequence[int]) -> NDArray[np.complex128]:
        size = 1 << len(state.order)
        blocks = min(-(-size // THREADS), 1 << ENOUGH_BLOCK_BITS)
        with self.on.active():
            out = self.on.empty((state.batch, blocks, len(z), 2), np.float64)
            arguments = (
                state.vectors,
                np.uint64(state.stride),
                np.uint64(size),
                np.uint64(x),
                self.on.upload(np.array(z, dtype=np.uint64)),
                np.int32(len(z)),
                out,
            )
            name = f"pauli_sums_{state.precision.value}"
            self.on.launch(name, (blocks, 1, state.batch), THREADS, arguments)
            sums = self.on.download(out).sum(axis=1)
        together: NDArray[np.complex128] = sums[..., 0] + 1j * sums[..., 1]
        return together


def _spread_outputs(
    result: NDArray[np.float64],
    sums: NDArray[np.float64],
    outputs: Sequence[tuple[int, int]],
    qubits: Sequence[int],
    given: Mapping[int, int],
) -> None:
    """Write ``sums`` to their entries of ``result``, whose other entries stay.

    Args:
        result: shape ``(rows, 2**len(qubits))``.
        sums: shape ``(rows, 2**len(outputs))``; its index bits are the places of ``outputs``,
            ascending.
        outputs: pairs (bit of ``result``'s index, storage bit).
        qubits, given: as in :func:`probabilities`.
    """
    # Axis 1 + r of ``tensor`` is the r-th highest storage bit; ``result`` has the bits in order.
    tensor = sums.reshape((len(sums),) + (2,) * len(outputs))
    ranks = {place: rank for rank, (_, place) in enumerate(sorted(outputs, key=lambda o: -o[1]))}
    wanted = [1 + ranks[place] for _, place in sorted(outputs, reverse=True)]
    tensor = tensor.transpose([0, *wanted])
    by_bit = {bit for bit, _ in outputs}
    index: list[int | slice] = [slice(None)]
    index += [
        slice(None) if bit in by_bit else given.get(qubits[bit], 0)
        for bit in reversed(range(len(qubits)))
    ]
    result.reshape((len(sums),) + (2,) * len(qubits))[tuple(index)] = tensor
