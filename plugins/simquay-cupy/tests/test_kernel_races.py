"""No thread of a block reads or overwrites what another one wrote since the last barrier."""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np
import pytest
from host_device import HostDevice, compile_host_kernels, find_compiler, host_source
from tile_stages import BOTH, check, random_stage, tile_pass

from simquay.engine_api import Control, Layout, Plan, Precision, Round, TilePass, make_plan
from simquay.testing.engines import random_gates
from simquay_cupy.encoding.geometry import GEOMETRIES
from simquay_cupy.engine import CupyEngine

pytestmark = pytest.mark.xdist_group("races")  # the kernels are compiled once for several tests


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


def moving(precision: Precision) -> TilePass:
    """A pass without an exchange whose threads store where others load."""
    tile = GEOMETRIES[precision].tile
    store = (*range(4), 5, 4, *range(6, tile))
    return TilePass(tile, tile, tuple(range(tile)), (Round((), ()),), store)


@BOTH
def test_what_is_stored_where_others_load_waits_for_them(
    library: Path, precision: Precision
) -> None:
    rng = np.random.default_rng(12)
    engine = CupyEngine(HostDevice(library))
    check(engine, precision, [moving(precision)], rng, batch=2)
    tile = GEOMETRIES[precision].tile
    for qubits in (tile, tile + 2):
        for seed in range(40):
            gates = random_gates(qubits, (3, 10, 30)[seed % 3], seed)
            state = engine.allocate(qubits, precision, capacity=qubits)
            plan = make_plan(gates, Layout(), engine.profile(precision, qubits))
            engine.apply(state, plan, Control())
    assert ctypes.CDLL(str(library)).races() == 0


MUTATIONS = {
    "no barrier in an exchange": (
        "slots, t, columns);\n            QS_BARRIER();",
        "slots, t, columns);",
    ),
    "no barrier before a store": ("if (word(begin + 7)) QS_BARRIER();", ""),
    "blocks at one place": ("state + y * stride", "state"),
}


@pytest.fixture(scope="module", params=MUTATIONS)
def mutant(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path]:
    """A mutation, and the library of the kernels with it, which is compiled once."""
    if find_compiler() is None:
        pytest.skip("no C++ compiler to compile the kernels for the host with")
    whole = host_source()
    broken = whole.replace(*MUTATIONS[request.param])
    assert broken != whole
    folder = tmp_path_factory.mktemp("mutant")
    return request.param, compile_host_kernels(folder, ["-DQS_CHECK_RACES"], broken)


@BOTH
def test_a_race_would_be_seen(mutant: tuple[str, Path], precision: Precision) -> None:
    mutation, path = mutant
    engine = CupyEngine(HostDevice(path))
    rng = np.random.default_rng(11)
    tile = GEOMETRIES[precision].tile
    if mutation == "no barrier in an exchange":
        pass_ = tile_pass(precision, [random_stage(rng, tile, 1) for _ in range(20)], tile + 1)
    else:
        pass_ = moving(precision)
    whole_layout = Layout(tuple(range(pass_.width)))
    profile = engine.profile(precision, pass_.width)
    state = engine.allocate(pass_.width, precision, capacity=pass_.width, batch=2)
    state.order = whole_layout.order
    engine.apply(state, Plan(profile, whole_layout, whole_layout, [pass_]), Control())
    assert ctypes.CDLL(str(path)).races() > 0
