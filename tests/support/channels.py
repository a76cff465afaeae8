"""Channels of Qiskit that are equal to mixtures of programs."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from qiskit.quantum_info import Kraus, SuperOp

from simquay.program.channels import Mixture

__all__ = ["placed_superop", "superop"]


def superop(mixture: Mixture) -> SuperOp:
    """The map of a mixture, by Qiskit."""
    maps = (
        probability * SuperOp(Kraus(list(part.reshape(-1, *part.shape[-2:]))))
        for probability, part in zip(mixture.probabilities, mixture.parts, strict=True)
    )
    return sum(maps, SuperOp(np.zeros([4**mixture.num_qubits] * 2)))


def placed_superop(placed: Iterable[tuple[Mixture, tuple[int, ...]]], num_qubits: int) -> SuperOp:
    """The map of several mixtures, one after the other, on ``num_qubits`` qubits."""
    whole = SuperOp(np.eye(4**num_qubits))
    for mixture, places in placed:
        whole = whole.compose(superop(mixture), qargs=list(places))
    return whole
