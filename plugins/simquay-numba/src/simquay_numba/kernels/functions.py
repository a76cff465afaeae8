"""How functions are compiled here, and how the cache on disk tells old ones from new ones."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba

from simquay_numba.kernels.vectors import VECTOR_BYTES

__all__ = ["compiled_function"]


def _intrinsics() -> str:
    """What compiled functions are made of beside their own files, as part of a name."""
    check = 0
    for module in ("vectors", "matrices", "blocks", "scalars", "tables"):
        check = zlib.crc32(Path(__file__).with_name(f"{module}.py").read_bytes(), check)
    return f"{VECTOR_BYTES}_{check:08x}"


_INTRINSICS = _intrinsics()


def compiled_function(function: Callable[..., Any]) -> Any:
    """``function``, to be compiled when first called, and kept on disk where that can be.

    The cache on disk knows of a change to the function's own file alone: so the name says what the
    intrinsics are, and what else it may call.
    """
    function.__qualname__ += f"_{_INTRINSICS}"
    # Sums may be taken in another order, in vectors; nothing else is left to the compiler's taste.
    options: dict[str, Any] = {
        "nogil": True,
        "error_model": "numpy",
        "fastmath": {"reassoc", "contract"},
    }
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:  # no folder to write to, neither here nor in the user's home
        return numba.njit(**options)(function)
