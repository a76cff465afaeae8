"""The state of the CuPy engine: amplitudes on a device."""

from __future__ import annotations

from typing import Any

from simquay.engine_api import Layout, Precision

__all__ = ["DeviceState"]


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

    __slots__ = ("num_qubits", "order", "precision", "vectors")

    def __init__(
        self, num_qubits: int, precision: Precision, order: tuple[int, ...], vectors: Any
    ) -> None:
        self.num_qubits = num_qubits
        self.precision = precision
        self.order = order
        self.vectors = vectors

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
