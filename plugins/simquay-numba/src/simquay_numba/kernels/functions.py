"""How functions are compiled, and what the cache on disk is keyed by."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba

from simquay_numba.kernels.vectors import VECTOR_BYTES

__all__ = ["compiled_function", "source_key"]


def source_key(folder: Path) -> str:
    """A checksum of all modules in ``folder``."""
    check = 0
    for path in sorted(folder.glob("*.py")):
        check = zlib.crc32(path.read_bytes(), check)
    return f"{check:08x}"


_SUFFIX = f"_{VECTOR_BYTES}_{source_key(Path(__file__).parent)}"


def compiled_function(function: Callable[..., Any]) -> Any:
    """``function``, to be compiled when first called, and kept on disk where that can be.

    Numba's cache on disk compares the source file of the function alone. Intrinsics and constants
    of other modules, which become part of the compiled code, it does not see. So the function's
    name carries the checksum of this package; a compiled function imports from it, and from no
    other package of the plugin.
    """
    function.__qualname__ += _SUFFIX
    # Sums may be reassociated, and products contracted to multiply-adds; no other liberties.
    options: dict[str, Any] = {
        "nogil": True,
        "error_model": "numpy",
        "fastmath": {"reassoc", "contract"},
    }
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:  # no folder to write to, neither here nor in the user's home
        return numba.njit(**options)(function)
