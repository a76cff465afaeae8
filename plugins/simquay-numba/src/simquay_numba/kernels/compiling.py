"""First use of the kernels: they are compiled once for each precision, with a message."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

import numpy as np

from simquay.engine_api import after_fork
from simquay_numba.kernels.packing import pack
from simquay_numba.kernels.run import WORDS, run_tiles
from simquay_numba.kernels.scalars import spin_until

__all__ = ["compiled", "compiled_pack"]

_log = logging.getLogger("simquay.numba")
_lock = threading.Lock()
_ready: set[str] = set()

_TELL_AFTER = 2.0
"""Seconds of compiling after which the user is told; loading from disk takes less."""


def compiled(dtype: np.dtype[Any]) -> Any:
    """``run_tiles``, compiled for amplitudes of ``dtype``: from the cache on disk, or now."""
    if dtype.char not in _ready:
        with _lock:
            if dtype.char not in _ready:
                _compile(dtype)
                _ready.add(dtype.char)
    return run_tiles


def compiled_pack(dtype: np.dtype[Any]) -> Any:
    """``pack``, compiled likewise."""
    compiled(dtype)
    return pack


def _compile(dtype: np.dtype[Any]) -> None:
    unit = np.zeros(1, dtype).real.dtype.type(0)
    none = np.zeros(0, dtype=np.int64)
    code = np.zeros((0, WORDS), dtype=np.int64)
    fills = np.frombuffer(b"", dtype=np.int64).reshape(-1, 4)  # read-only, as in assemble
    started = time.perf_counter()
    telling = threading.Timer(_TELL_AFTER, _tell, [dtype])
    telling.daemon = True
    telling.start()
    try:
        run_tiles(unit, code, 0, none, none, none, 0, none, *[0] * 7, unit.itemsize, 0, 0)
        spin_until(0, 0, 0, 0)
        pack(unit, code.reshape(-1), 0, fills, np.zeros(0, dtype=unit.dtype), 0, 0)
    finally:
        telling.cancel()
    _log.info("kernels for %s ready after %.1f s", dtype, time.perf_counter() - started)


def _tell(dtype: np.dtype[Any]) -> None:
    # A warning, so that it is seen where logging was not configured.
    _log.warning("compiling kernels for %s: once on this machine, about 10 seconds", dtype)


def _reset_after_fork() -> None:
    global _lock
    _lock = threading.Lock()  # the parent's other threads may have held it


after_fork(_reset_after_fork)
