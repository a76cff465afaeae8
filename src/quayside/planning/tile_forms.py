"""What a block's numbers allow: which matrices are real, diagonal, RX-like or H.

This is all that planning may learn from numbers. A recipe holds for gates of the same traits.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from quayside.planning.tile_blocks import Block, Kind, Values
from quayside.planning.tile_plan import Form

__all__ = ["set_traits", "traits_of"]

_FORMS: tuple[Form, ...] = ("complex", "real", "cross", "hadamard")
_DIAGONAL = 4
_REAL = 8
_HADAMARD = np.array([1, 0, 1, 0, 1, 0, -1, 0]) * 0.5**0.5


def traits_of(blocks: Sequence[Block], values: Sequence[Values]) -> list[int]:
    """For each block an integer that says what its numbers allow.

    Numbers of one shape are looked at together; entries count as 0 only when they are.
    """
    traits = [0] * len(blocks)
    alike: dict[tuple[int, ...], list[int]] = {}
    for number, block in enumerate(blocks):
        if block.kind in _READ and len(block.wires) <= 3:
            alike.setdefault(values[number].shape, []).append(number)
    for shape, numbers in alike.items():
        stack = np.array([values[number] for number in numbers])
        found = _traits_of_vectors(stack) if len(shape) == 1 else _traits_of_matrices(stack)
        for number, trait in zip(numbers, found.tolist(), strict=True):
            traits[number] = trait
    return traits


_READ: tuple[Kind, ...] = ("dense", "diagonal")


def _traits_of_vectors(stack: NDArray[np.complex128]) -> NDArray[np.intp]:
    return np.where(stack.imag.any(axis=1), 0, _REAL)


def _traits_of_matrices(stack: NDArray[np.complex128]) -> NDArray[np.intp]:
    size = stack.shape[1]
    rows = stack.reshape(len(stack), -1)
    real = np.where(rows.imag.any(axis=1), 0, _REAL)
    forms = np.where(real, 1, 0)
    if size == 2:
        parts = rows.view(np.float64)
        forms[~parts[:, [1, 2, 4, 7]].any(axis=1)] = 2
        forms[np.abs(parts - _HADAMARD).max(axis=1) < 1e-15] = 3
    apart = rows[:, np.flatnonzero(~np.eye(size, dtype=bool))]
    forms[~apart.any(axis=1)] = _DIAGONAL
    result: NDArray[np.intp] = forms + real
    return result


def set_traits(blocks: Sequence[Block], traits: Sequence[int]) -> None:
    """Write traits into the blocks; those of matrices that are diagonal become diagonals."""
    for block, trait in zip(blocks, traits, strict=True):
        if block.kind not in _READ:
            continue
        block.is_real = bool(trait & _REAL)
        form = trait & ~_REAL
        if block.kind == "dense" and form == _DIAGONAL:
            block.kind = "diagonal"
        elif block.kind == "dense":
            block.form = _FORMS[form]
