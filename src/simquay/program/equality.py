"""Equality by value of plain data: dataclasses, sequences, arrays and numbers."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

__all__ = ["same"]


def same(left: Any, right: Any) -> bool:
    """Whether ``left`` and ``right`` are equal, where arrays are equal if all entries are.

    A tuple equals a list of equal items; dataclasses of different classes are not equal.
    """
    if left is right:
        return True
    if isinstance(left, np.ndarray):
        return isinstance(right, np.ndarray) and np.array_equal(left, right)
    if dataclasses.is_dataclass(left):
        return type(left) is type(right) and all(
            same(getattr(left, f.name), getattr(right, f.name))
            for f in dataclasses.fields(left)
            if f.compare
        )
    if isinstance(left, (tuple, list)):
        return (
            isinstance(right, (tuple, list))
            and len(left) == len(right)
            and all(map(same, left, right))
        )
    return bool(left == right)
