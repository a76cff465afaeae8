"""First use: the kernels compile, once a machine and precision, and say so."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

import numpy as np

from quayside_numba.kernels import WORDS, run_tiles

__all__ = ["compiled"]

_log = logging.getLogger("quayside.numba")
_lock = threading.Lock()
_ready: set[str] = set()


def compiled(dtype: np.dtype[Any]) -> Any:
    """The executor, compiled for amplitudes of ``dtype``: from the cache on disk, or now."""
    if dtype.char not in _ready:
        with _lock:
            if dtype.char not in _ready:
                _compile(dtype)
                _ready.add(dtype.char)
    return run_tiles


def _compile(dtype: np.dtype[Any]) -> None:
    unit = np.zeros(1, dtype).real.dtype.type(0)
    none = np.zeros(0, dtype=np.int64)
    code = np.zeros((0, WORDS), dtype=np.int64)
    started = time.perf_counter()
    run_tiles(unit, code, 0, none, none, none, 0, none, 0, 0, 0, 0, 0, 0, unit.itemsize)
    if run_tiles.stats.cache_misses:
        _log.info("kernels for %s compiled in %.1f s", dtype, time.perf_counter() - started)
