"""What an object keeps alive: circuits, and arrays as large as a state."""

from __future__ import annotations

import gc
import logging
import types
from typing import Any

import numpy as np
from qiskit import QuantumCircuit

__all__ = ["find_held"]

_MOST = 300_000  # objects looked at
_NOT_OWN = (type, types.ModuleType, types.FrameType, types.CodeType, logging.Logger)


def find_held(root: object, apart_from: object, size: int) -> str | None:
    """What of a run ``root`` still refers to, in words; None if there is nothing.

    Args:
        root: where to begin.
        apart_from: an object that it may refer to, with all that this one holds.
        size: an array of so many bytes or more counts as a state.
    """
    seen = {id(apart_from), id(globals())}
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
