"""From samples of all classical bits to Qiskit's ``BitArray``, one for each register."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.primitives import BitArray

__all__ = ["RegisterBits", "registers_of"]

_AT_ONCE = 1 << 16
"""Shots whose bits are taken at once: their arrays stay in cache."""


@dataclass(eq=False)
class RegisterBits:
    """The bits of one register, out of the samples of all bits.

    Attributes:
        name: the register's.
        bits: the number of the circuit's classical bit that each bit of the register is, from its
            bit 0 on.
    """

    name: str
    bits: Sequence[int]

    def __post_init__(self) -> None:
        bits = self.bits
        self.num_bytes = -(-len(bits) // 8)
        first = bits[0] if bits else 0
        consecutive = [*bits] == [*range(first, first + len(bits))]
        fits = consecutive and first // 64 == (first + len(bits) - 1) // 64
        self._shift = first % 64 if fits and bits else None
        self._word = first // 64

    def packed(self, samples: NDArray[np.uint64]) -> NDArray[np.uint8]:
        """The register's bits, as ``BitArray`` holds them: shape ``(shots, num_bytes)``, the first
        byte holds the highest bits.

        Args:
            samples: shape ``(shots, words)``: bit ``k % 64`` of word ``k // 64`` is classical bit
                ``k``.
        """
        if self._shift is not None:
            ours = samples[:, self._word] >> np.uint64(self._shift)
            if len(self.bits) < 64:
                ours &= np.uint64((1 << len(self.bits)) - 1)
            bytes_of: NDArray[np.uint8] = ours.astype(">u8").view(np.uint8).reshape(-1, 8)
            return bytes_of[:, 8 - self.num_bytes :]
        every = np.ascontiguousarray(samples, dtype="<u8").view(np.uint8)
        packed = np.zeros((len(samples), self.num_bytes), dtype=np.uint8)
        for place, bit in enumerate(self.bits):
            value = every[:, bit // 8] >> np.uint8(bit % 8) & np.uint8(1)
            packed[:, -1 - place // 8] |= value << np.uint8(place % 8)
        return packed

    def distribution(
        self, outcomes: NDArray[np.uint64], probabilities: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """The probability of each value of the register, shape ``(2**bits,)``.

        Args:
            outcomes: of all bits, as samples.
            probabilities: of the outcomes.
        """
        packed = np.zeros((len(outcomes), 8), dtype=np.uint8)
        packed[:, 8 - self.num_bytes :] = self.packed(outcomes)
        values = packed.view(">u8")[:, 0].astype(np.int64)
        found: NDArray[np.float64] = np.zeros(1 << len(self.bits))
        np.add.at(found, values, probabilities)
        return found

    def array(
        self, samples: Sequence[NDArray[np.uint64]], shape: tuple[int, ...], shots: int
    ) -> BitArray:
        """The ``BitArray`` of a pub's shape, from the samples of each of its points."""
        packed = np.empty((len(samples), shots, self.num_bytes), dtype=np.uint8)
        for row, one in zip(packed, samples, strict=True):
            for first in range(0, shots, _AT_ONCE):
                row[first : first + _AT_ONCE] = self.packed(one[first : first + _AT_ONCE])
        return BitArray(packed.reshape(*shape, shots, self.num_bytes), len(self.bits))


def registers_of(circuit: QuantumCircuit) -> list[RegisterBits]:
    """The circuit's classical registers, in their order; bits in no register are in none."""
    numbers = {bit: number for number, bit in enumerate(circuit.clbits)}
    return [RegisterBits(one.name, [numbers[bit] for bit in one]) for one in circuit.cregs]
