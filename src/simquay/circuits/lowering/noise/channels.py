"""Instructions of a circuit that are channels, of Qiskit and of Aer."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from qiskit.circuit import Gate
from qiskit.quantum_info import SuperOp

from simquay.circuits.lowering.context import Site
from simquay.circuits.lowering.noise.placement import operations_of
from simquay.errors import NoiseModelError
from simquay.noise.channels import placed_of
from simquay.noise.model import Placed

__all__ = ["CHANNELS", "channel", "is_channel"]

CHANNELS = ("kraus", "pauli_lindblad_map", "quantum_channel", "superop")
"""The names of the instructions that are lowered as channels."""

_KEPT = 4096
"""So many channels are read once: those of earlier instructions, in all circuits."""


def is_channel(operation: Any) -> bool:
    """Whether the operation is a channel: Qiskit's ``kraus``, an instruction with a
    ``PauliLindbladMap`` as its parameter, or Aer's ``superop`` or ``quantum_channel``."""
    if isinstance(operation, Gate):
        return False
    match operation.name:
        case "kraus" | "superop":
            return len(operation.params) > 0 and isinstance(operation.params[0], np.ndarray)
        case "quantum_channel":
            return hasattr(operation, "_quantum_error")
        case "pauli_lindblad_map":
            return len(operation.params) == 1 and hasattr(operation.params[0], "rates")
    return False


def channel(site: Site) -> None:
    """Lower an instruction that is a channel.

    Raises:
        UnsupportedInstructionError: in a controlled, inverted or powered definition.
        NoiseModelError: if it is not completely positive and trace-preserving.
    """
    site.refuse_in_gate()
    operation = site.operation
    try:
        match operation.name:
            case "kraus":
                shape = np.shape(operation.params)
                placed = _of_kraus(np.array(operation.params, dtype=complex).tobytes(), shape)
            case "superop":
                placed = placed_of(SuperOp(operation.params[0]))
            case "quantum_channel":
                placed = _of_same(_Same(operation._quantum_error))
            case _:
                placed = _of_same(_Same(operation.params[0]))
    except NoiseModelError as error:
        raise NoiseModelError(f"{site}: {error}") from error
    site.block.operations += operations_of(placed, site.qubits)


@lru_cache(maxsize=_KEPT)
def _of_kraus(data: bytes, shape: tuple[int, ...]) -> tuple[Placed, ...]:
    return placed_of([*np.frombuffer(data, dtype=complex).reshape(shape)])


class _Same:
    """An object without a hash as a key: itself alone is equal to it."""

    def __init__(self, thing: Any) -> None:
        self.thing = thing

    def __hash__(self) -> int:
        return id(self.thing)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.thing is other.thing


@lru_cache(maxsize=_KEPT)
def _of_same(key: _Same) -> tuple[Placed, ...]:
    return placed_of(key.thing)
