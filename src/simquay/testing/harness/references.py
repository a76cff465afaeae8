"""Finds references that keep circuits, or arrays as large as a state, alive."""

from __future__ import annotations

import gc
import logging
import types
from typing import Any

import numpy as np
from qiskit import QuantumCircuit

__all__ = ["find_retained"]

_MOST = 300_000  # objects visited
_NOT_OWN = (type, types.ModuleType, types.FrameType, types.CodeType, logging.Logger)


def find_retained(root: object, excluding: object, size: int) -> str | None:
    """Describe a circuit or state that ``root`` refers to, directly or not; None if there is none.

    Args:
        root: start of the search.
        excluding: an object that ``root`` may refer to; references of this object do not count.
        size: bytes from which on an array counts as a state.
    """
    seen = {id(excluding), id(globals())}
    waiting: list[tuple[Any, str]] = [(root, type(root).__qualname__)]
    while waiting and len(seen) < _MOST:
        one, path = waiting.pop()
        if id(one) in seen or isinstance(one, _NOT_OWN):
            continue
        seen.add(id(one))
        if isinstance(one, QuantumCircuit):
            return f"a circuit, {one.name!r} ({path})"
        if isinstance(one, np.ndarray) and one.nbytes >= size:
            return f"an array of {one.nbytes} bytes ({path})"
        if isinstance(one, types.FunctionType):
            # Not its globals: these are a module.
            below = [one.__closure__, one.__defaults__, one.__kwdefaults__]
        else:
            below = gc.get_referents(one)
        waiting += [(each, f"{path} -> {type(each).__qualname__}") for each in below]
    return None
