"""How functions are compiled, what the cache on disk is keyed by, and forks meanwhile."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy.ma  # noqa: F401  # else the first call of a kernel imports it, and no fork would wait
from llvmlite.binding import ffi
from numba.core.compiler_lock import global_compiler_lock

from simquay.engine_api import SimquayError, hold_at_fork
from simquay_numba.disk_cache import KernelCache, NoCache
from simquay_numba.kernels.vectors import VECTOR_BYTES

__all__ = ["compiled_function", "source_key"]


class _NoCompiler:
    """Numba's lock in a child that was forked while another thread compiled: Numba's tables are as
    that thread left them."""

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        if timeout >= 0:  # a fork asks
            return False
        raise SimquayError(
            "the process was forked while Numba compiled, and cannot compile in this child; start "
            "child processes with the multiprocessing method 'spawn' or 'forkserver', or run a "
            "circuit before the fork"
        )

    def release(self) -> None:
        """Never called: nobody gets the lock."""


_compiler: Any = global_compiler_lock


def _stop_compiling() -> None:
    _compiler._lock = _NoCompiler()


# Every compilation of the process, also of the user's functions, holds this lock, and imports parts
# of Numba meanwhile.
hold_at_fork(lambda: _compiler._lock, _stop_compiling)

_llvm: Any = ffi.lib._lock


def _renew_llvm_lock() -> None:
    _llvm._lock = threading.RLock()


# Every call of LLVM holds this one, also where an object of LLVM is collected in any thread. One
# such call of a compilation takes seconds. A child calls LLVM at least to free such objects.
hold_at_fork(lambda: _llvm._lock, _renew_llvm_lock)


def source_key(folder: Path) -> str:
    """A checksum of all modules in ``folder`` and the folders in it."""
    check = 0
    for path in sorted(folder.rglob("*.py")):
        check = zlib.crc32(path.read_bytes(), check)
    return f"{check:08x}"


_SUFFIX = f"_{VECTOR_BYTES}_{source_key(Path(__file__).parent)}"


def compiled_function(function: Callable[..., Any]) -> Any:
    """``function``, to be compiled when first called, and kept on disk where that can be; see
    :mod:`simquay_numba.disk_cache`.

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
    dispatcher = numba.njit(**options)(function)
    try:
        dispatcher._cache = KernelCache(function)  # in the place of njit(cache=True)
    except (RuntimeError, OSError) as error:
        dispatcher._cache = NoCache(error)
    return dispatcher
