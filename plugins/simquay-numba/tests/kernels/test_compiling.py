"""The kernels are compiled once, and then come from the cache on disk."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np

from simquay_numba.kernels.compiling import compiled


def python(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout


def test_a_second_process_compiles_nothing() -> None:
    compiled(np.dtype(np.complex128))
    misses, hits = json.loads(
        python(
            "import json, numpy\n"
            "from simquay_numba.kernels.compiling import compiled\n"
            "stats = compiled(numpy.dtype('complex128'))[0].stats\n"
            "print(json.dumps([sum(stats.cache_misses.values()), sum(stats.cache_hits.values())]))"
        )
    )
    assert (misses, hits) == (0, 1)
