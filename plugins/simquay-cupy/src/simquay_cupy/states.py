"""The state on the device, and the part of the engine that changes and selects vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simquay.engine_api import (
    BaseEngine,
    Layout,
    Precision,
    ProgramError,
    Strings,
    bit_counts,
    storage_indices,
)

if TYPE_CHECKING:  # it imports CuPy
    from simquay_cupy.device.cuda import CudaDevice

__all__ = ["LAUNCH_WORK", "THREADS", "DeviceState", "StateEngine", "fixed_bits", "places_of"]

THREADS = 256
"""Threads of a block, as QS_THREADS in cuda/whole_state.cuh."""

MAX_BLOCKS = 4096
"""Blocks of a launch over amplitudes; each then does several."""

LAUNCH_WORK = 1 << 32
"""Amplitudes times groups of one launch: some ten milliseconds."""


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
    """Changes and selects vectors.

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

    def collapse(self, state: DeviceState, outcome: Mapping[int, int], probability: float) -> None:
        """Project in place onto ``outcome``, and divide by sqrt(probability)."""
        mask, value = fixed_bits(state, outcome)
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
                places = self.on.upload(places_of(part, order))
                given = (chosen, places, np.int32(len(order)), vectors[done : done + len(numbers)])
                self._launch_over("select", part, size, *given, batch=len(numbers))
                done += len(numbers)
        return DeviceState(first.num_qubits, first.precision, order, vectors)

    def rows(self, state: DeviceState, start: int, stop: int) -> DeviceState:
        """The vectors ``start`` to ``stop - 1`` as a state, without a copy."""
        vectors = state.vectors[start:stop]
        return DeviceState(state.num_qubits, state.precision, state.order, vectors)


def places_of(state: DeviceState, qubits: Sequence[int]) -> NDArray[np.int32]:
    """The storage bit of each of ``qubits``, -1 where it has none."""
    places = state.layout.positions()
    return np.array([places.get(qubit, -1) for qubit in qubits], dtype=np.int32)


def fixed_bits(state: DeviceState, given: Mapping[int, int]) -> tuple[int, int | None]:
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
