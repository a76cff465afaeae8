"""No thread of a block reads or overwrites what another one wrote since the last barrier."""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np
import pytest
from quayside_cupy.engine import CupyEngine
from quayside_cupy.geometry import GEOMETRIES
from quayside_cupy.host_device import HostDevice, compile_host_kernels, find_compiler
from tile_stages import BOTH, check, random_stage, tile_pass

from quayside.program import Precision


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if find_compiler() is None:
        pytest.skip("no C++ compiler to compile the kernels for the host with")
    return compile_host_kernels(tmp_path_factory.mktemp("kernels"), ["-DQS_CHECK_RACES"])


@BOTH
def test_exchanges_need_no_more_barriers_than_they_have(
    library: Path, precision: Precision
) -> None:
    rng = np.random.default_rng(11)
    engine = CupyEngine(HostDevice(library))
    width = 13
    tile = GEOMETRIES[precision].tile
    for _ in range(20):
        stages = [random_stage(rng, tile, width - tile) for _ in range(8)]
        check(engine, precision, [tile_pass(precision, stages, width, rng=rng)], rng)
    assert ctypes.CDLL(str(library)).races() == 0


def test_a_race_would_be_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if find_compiler() is None:
        pytest.skip("no C++ compiler to compile the kernels for the host with")
    from quayside_cupy import host_device

    whole = host_device.kernel_source("host.cpp")
    # Without the barrier of an exchange.
    broken = whole.replace(
        "slots, t, columns);\n            QS_BARRIER();", "slots, t, columns);\n            "
    )
    assert broken != whole
    monkeypatch.setattr(host_device, "kernel_source", lambda name: broken)
    path = compile_host_kernels(tmp_path, ["-DQS_CHECK_RACES"])
    engine = CupyEngine(HostDevice(path))
    rng = np.random.default_rng(11)
    stages = [random_stage(rng, 12, 1) for _ in range(8)]
    check(engine, Precision.SINGLE, [tile_pass(Precision.SINGLE, stages, 13, rng=rng)], rng)
    assert ctypes.CDLL(str(path)).races() > 0
