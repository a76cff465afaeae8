"""Measurement's effect on states: projection, flips, and the selection of vectors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simquay.engine_api import ProgramError
from simquay_cupy.device.protocol import Device
from simquay_cupy.readout import launch_over
from simquay_cupy.state import DeviceState

__all__ = ["flip", "project", "select", "storage_mask"]


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


def project(
    on: Device,
    state: DeviceState,
    mask: int,
    values: NDArray[np.uint64],
    probabilities: NDArray[np.float64],
) -> None:
    """Project vector ``i`` onto ``values[i]`` in the storage bits ``mask``, and divide it by
    sqrt(``probabilities[i]``); both have shape ``(batch,)``."""
    size = 1 << len(state.order)
    factors = (1 / np.sqrt(probabilities)).astype(state.precision.real_dtype)
    with on.active():
        arguments = (
            state.vectors,
            np.uint64(state.stride),
            np.uint64(size),
            np.uint64(mask),
            on.upload(values),
            on.upload(factors),
        )
        launch_over(on, "project", state, size, arguments)


def flip(on: Device, state: DeviceState, masks: NDArray[np.uint64]) -> None:
    """Apply X to the storage bits ``masks[i]`` of vector ``i``; shape ``(batch,)``."""
    if not masks.any():
        return
    size = 1 << len(state.order)
    with on.active():
        arguments = (
            state.vectors,
            np.uint64(state.stride),
            np.uint64(size),
            on.upload(masks),
        )
        launch_over(on, "flip_bits", state, size, arguments)


def select(on: Device, parts: Sequence[tuple[DeviceState, Sequence[int]]]) -> DeviceState:
    """A new state with chosen vectors; see :meth:`simquay.engine_api.BaseEngine.select`."""
    first = parts[0][0]
    if len({(part.num_qubits, part.precision, part.stride) for part, _ in parts}) > 1:
        raise ProgramError("vectors of different sizes cannot be in one state")
    order = tuple(dict.fromkeys(qubit for part, _ in parts for qubit in part.order))
    count = sum(len(numbers) for _, numbers in parts)
    with on.active():
        vectors = on.empty((count, first.stride), first.precision.complex_dtype)
        done = 0
        for part, numbers in parts:
            target = vectors[done : done + len(numbers)]
            chosen = DeviceState(first.num_qubits, first.precision, order, target)
            places = part.layout.positions()
            arguments = (
                part.vectors,
                np.uint64(first.stride),
                on.upload(np.array(numbers, dtype=np.uint64)),
                on.upload(np.array([places.get(qubit, -1) for qubit in order], dtype=np.int32)),
                np.int32(len(order)),
                target,
            )
            launch_over(on, "select", chosen, 1 << len(order), arguments)
            done += len(numbers)
    return DeviceState(first.num_qubits, first.precision, order, vectors)
