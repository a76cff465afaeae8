"""The kernels are compiled once, and then come from the cache on disk."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np

from simquay_numba.compiling import compiled


def python(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout


def test_a_second_process_compiles_nothing() -> None:
    compiled(np.dtype(np.complex128))
    misses, hits = json.loads(
        python(
            "import json, numpy\n"
            "from simquay_numba.compiling import compiled\n"
            "stats = compiled(numpy.dtype('complex128'))[0].stats\n"
            "print(json.dumps([sum(stats.cache_misses.values()), sum(stats.cache_hits.values())]))"
        )
    )
    assert (misses, hits) == (0, 1)


def test_a_run_uses_the_variants_that_the_first_use_compiles() -> None:
    """An array that is read-only for one and not for the other would cost a second compilation."""
    signatures = python(
        "import numpy\n"
        "from qiskit import QuantumCircuit\n"
        "from simquay import get_backend\n"
        "from simquay_numba.compiling import compiled\n"
        "kernels = compiled(numpy.dtype('complex128'))\n"
        "circuit = QuantumCircuit(14)\n"
        "circuit.h(range(14))\n"
        "circuit.cx(range(13), range(1, 14))\n"
        "circuit.measure_all()\n"
        "get_backend('numba').run(circuit, shots=1).result()\n"
        "print([len(kernel.signatures) for kernel in kernels])"
    )
    assert signatures.strip() == "[1, 1]"
