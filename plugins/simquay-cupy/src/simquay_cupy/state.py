"""The state of the CuPy engine: amplitudes on a device."""

from __future__ import annotations

from typing import Any

from simquay.planning import Layout
from simquay.program import Precision

__all__ = ["DeviceState"]


class DeviceState:
    """``batch`` vectors; ``vectors`` has shape ``(batch, stride)``, and the amplitudes are the
    first ``2**len(order)`` of each row. ``order[p]`` is the qubit at storage bit ``p``. ``stride``
    is at least a tile, so that small states are padded to one; what is behind the amplitudes is
    undefined. ``vectors`` is None once the state is released."""

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
