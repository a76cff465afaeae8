"""Measurement's effect on states: projection, flips, and the selection of vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from simquay.engine_api import ProgramError
from simquay_cupy.readout import ReadingEngine, fixed_bits
from simquay_cupy.state import DeviceState

__all__ = ["MeasuringEngine", "storage_mask"]


def storage_mask(state: DeviceState, qubits: Sequence[int]) -> int:
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


class MeasuringEngine(ReadingEngine):
    """The part of the engine that projects, flips and selects."""

    def collapse(self, state: DeviceState, outcome: Mapping[int, int], probability: float) -> None:
        """Project in place onto ``outcome``, and divide by sqrt(probability)."""
        mask, value = fixed_bits(state, outcome)
        if value is None:
            raise ProgramError(f"outcome {dict(outcome)} has 1 for a qubit that is |0>")
        values = np.full(state.batch, value, dtype=np.uint64)
        self._project(state, mask, values, np.full(state.batch, probability))

    def flip(self, state: DeviceState, qubits: Sequence[int]) -> None:
        """Apply X to each of ``qubits``, which must be stored, in place."""
        mask = storage_mask(state, qubits)
        self._flip(state, np.full(state.batch, mask, dtype=np.uint64))

    def project(
        self,
        state: DeviceState,
        qubits: Sequence[int],
        outcomes: NDArray[np.int64],
        probabilities: NDArray[np.float64],
        resets: Sequence[int] = (),
    ) -> None:
        """Collapse each vector onto its own outcome, in place; then reset ``resets``."""
        places = state.layout.positions()
        values = np.zeros(state.batch, dtype=np.uint64)
        for bit, qubit in enumerate(qubits):
            values |= (outcomes >> bit & 1).astype(np.uint64) << np.uint64(places[qubit])
        self._project(state, storage_mask(state, qubits), values, probabilities)
        self._flip(state, values & np.uint64(storage_mask(state, resets)))

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
            arguments = (
                state.vectors,
                np.uint64(state.stride),
                np.uint64(size),
                np.uint64(mask),
                self.on.upload(values),
                self.on.upload(factors),
            )
            self.launch_over("project", state, size, arguments)

    def _flip(self, state: DeviceState, masks: NDArray[np.uint64]) -> None:
        """Apply X to the storage bits ``masks[i]`` of vector ``i``; shape ``(batch,)``."""
        if not masks.any():
            return
        size = 1 << len(state.order)
        with self.on.active():
            arguments = (
                state.vectors,
                np.uint64(state.stride),
                np.uint64(size),
                self.on.upload(masks),
            )
            self.launch_over("flip_bits", state, size, arguments)

    def select(self, parts: Sequence[tuple[DeviceState, Sequence[int]]]) -> DeviceState:
        """A new state with chosen vectors."""
        first = parts[0][0]
        if len({(part.num_qubits, part.precision, part.stride) for part, _ in parts}) > 1:
            raise ProgramError("vectors of different sizes cannot be in one state")
        order = tuple(dict.fromkeys(qubit for part, _ in parts for qubit in part.order))
        count = sum(len(numbers) for _, numbers in parts)
        with self.on.active():
            vectors = self.on.empty((count, first.stride), first.precision.complex_dtype)
            done = 0
            for part, numbers in parts:
                target = vectors[done : done + len(numbers)]
                chosen = DeviceState(first.num_qubits, first.precision, order, target)
                places = part.layout.positions()
                sources = np.array([places.get(qubit, -1) for qubit in order], dtype=np.int32)
                arguments = (
                    part.vectors,
                    np.uint64(first.stride),
                    self.on.upload(np.array(numbers, dtype=np.uint64)),
                    self.on.upload(sources),
                    np.int32(len(order)),
                    target,
                )
                self.launch_over("select", chosen, 1 << len(order), arguments)
                done += len(numbers)
        return DeviceState(first.num_qubits, first.precision, order, vectors)

    def rows(self, state: DeviceState, start: int, stop: int) -> DeviceState:
        """The vectors ``start`` to ``stop - 1`` as a state, without a copy."""
        vectors = state.vectors[start:stop]
        return DeviceState(state.num_qubits, state.precision, state.order, vectors)
