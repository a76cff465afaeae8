"""The plugin: what the registry sees, the kernels' cache, and the vectors that are emitted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest

import simquay
from simquay.plugin import Available, Unavailable
from simquay_numba import plugin
from simquay_numba.kernels.blocks import load_amplitudes
from simquay_numba.kernels.compiling import compiled
from simquay_numba.kernels.vectors import VECTOR_BYTES
from simquay_numba.runtime.buffers import second_level_cache


def python(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout


def test_the_registry_sees_it_without_numba_being_loaded() -> None:
    seen = json.loads(
        python(
            "import json, sys\n"
            "from simquay_numba.plugin import probe, simquay_register_backends\n"
            "(spec,) = simquay_register_backends()\n"
            "answer = type(probe()).__name__\n"
            "print(json.dumps([spec.name, spec.device, answer, 'numba' in sys.modules]))"
        )
    )
    assert seen == ["numba", "cpu", "Available", False]


def test_it_is_what_cpu_stands_for() -> None:
    assert simquay.get_backend("cpu").name == "numba"
    first, second = simquay.get_backend("numba"), simquay.get_backend("numba")
    assert first is not second
    assert first.engine is second.engine


def test_the_probe_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(plugin.probe(), Available)
    monkeypatch.setitem(sys.modules, "numba", None)
    answer = plugin.probe()
    assert isinstance(answer, Unavailable)
    assert "Numba is not installed" in answer.reason
    assert "pip install" in answer.hint


def test_a_second_process_compiles_nothing() -> None:
    compiled(np.dtype(np.complex128))
    misses, hits = json.loads(
        python(
            "import json, numpy\n"
            "from simquay_numba.kernels.compiling import compiled\n"
            "stats = compiled(numpy.dtype('complex128')).stats\n"
            "print(json.dumps([sum(stats.cache_misses.values()), sum(stats.cache_hits.values())]))"
        )
    )
    assert (misses, hits) == (0, 1)


@pytest.mark.skipif(VECTOR_BYTES < 64, reason="this machine has no 512-bit vectors")
def test_vectors_are_as_wide_as_the_machines() -> None:
    @numba.njit
    def copy(unit, source, target):
        load_amplitudes(unit, source, target)

    copy.compile((numba.float32, numba.int64, numba.int64))
    (assembly,) = copy.inspect_asm().values()
    assert "%zmm" in assembly


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1024K\n", 1 << 20), ("32K", 1 << 18), ("9999K", 1 << 21), ("?", 1 << 19)],
)
def test_the_size_of_the_cache_is_bounded(tmp_path: Path, text: str, expected: int) -> None:
    file = tmp_path / "size"
    file.write_text(text)
    assert second_level_cache(file) == expected
    assert second_level_cache(tmp_path / "missing") == 1 << 19
