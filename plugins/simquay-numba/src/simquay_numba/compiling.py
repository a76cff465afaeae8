"""First use of the kernels: they are compiled once for each precision."""

from __future__ import annotations

import functools
import logging
import time
from typing import Any

import numpy as np

from simquay_numba.kernels.packing import pack
from simquay_numba.kernels.run import WORDS, run_tiles
from simquay_numba.kernels.scalars import spin_until

__all__ = ["compiled"]

_log = logging.getLogger("simquay.numba")


@functools.cache
def compiled(dtype: np.dtype[Any]) -> tuple[Any, Any]:
    """``run_tiles`` and ``pack``, compiled for amplitudes of ``dtype``: from the cache on disk, or
    now. Where threads ask for them at once, Numba's lock lets one compile."""
    unit = np.zeros(1, dtype).real.dtype.type(0)
    # Read-only, as in trips and assemble: that is another type, and so another compilation.
    none = np.frombuffer(b"", dtype=np.int64)
    fills = none.reshape(-1, 4)
    code = np.zeros((1, 1, WORDS), dtype=np.int64)
    chosen = np.zeros(1, dtype=np.int64)
    started = time.perf_counter()
    tiles = none, none, none, 0, none
    run_tiles(unit, code, 0, chosen, 0, *tiles, *[0] * 7, unit.itemsize, 0, 0)
    spin_until(0, 0, 0, 0)
    pack(unit, code.reshape(-1), 0, fills, np.zeros(0, dtype=unit.dtype), 0, 0)
    _log.info("kernels for %s ready after %.1f s", dtype, time.perf_counter() - started)
    return run_tiles, pack
