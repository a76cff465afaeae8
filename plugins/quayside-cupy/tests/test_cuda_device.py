"""The CUDA device's own code, on a stand-in for CuPy. What CuPy does, only a GPU can show."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from fake_cupy import make_fake_cupy
from quayside_cupy.engine import CupyEngine
from quayside_cupy.host_device import HostDevice
from random_programs import random_gates

from quayside.control import Control
from quayside.engines.reference import ReferenceEngine
from quayside.errors import OutOfMemoryError, QuaysideError
from quayside.execution.outcomes import RunSettings
from quayside.execution.run import run_program
from quayside.planning import Layout, make_plan
from quayside.program import Precision, Program


@pytest.fixture
def cupy(
    make_host_engine: Callable[[], CupyEngine], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    """A stand-in for CuPy that has 1 GiB of device memory."""
    host = make_host_engine().on
    assert isinstance(host, HostDevice)
    fake = make_fake_cupy(host.path, 1 << 30)
    monkeypatch.setitem(sys.modules, "cupy", fake)
    monkeypatch.delitem(sys.modules, "quayside_cupy.cuda_device", raising=False)
    yield fake
    sys.modules.pop("quayside_cupy.cuda_device", None)


@pytest.fixture
def engine(cupy: Any) -> CupyEngine:
    from quayside_cupy.cuda_device import CudaDevice

    return CupyEngine(CudaDevice())


@pytest.mark.parametrize("precision", list(Precision), ids=lambda p: p.value)
def test_a_program_runs_through_modules_streams_and_pools(
    engine: CupyEngine, precision: Precision
) -> None:
    program = Program(13, 0, random_gates(13, 80, 4))
    settings = RunSettings(shots=1, statevector=True, precision=precision)
    one = run_program(program, engine, settings, Control()).statevector
    settings = RunSettings(shots=1, statevector=True)
    other = run_program(program, ReferenceEngine(), settings, Control()).statevector
    assert one is not None
    assert other is not None
    assert np.abs(one - other).max() < (1e-5 if precision is Precision.SINGLE else 1e-12)


def test_what_does_not_fit_is_an_error_with_both_numbers(engine: CupyEngine) -> None:
    with pytest.raises(OutOfMemoryError, match="GiB") as caught:
        engine.allocate(30, Precision.DOUBLE, capacity=30)
    assert caught.value.needed == 16 << 30
    assert caught.value.available == 1 << 30
    # The next run works.
    state = engine.allocate(12, Precision.DOUBLE, capacity=12)
    assert engine.probabilities(state, (), {})[0, 0] == 1


def test_what_is_available_is_what_is_free_and_what_the_pool_keeps(
    engine: CupyEngine, cupy: Any
) -> None:
    cupy.memory.used, cupy.memory.cached = 900 << 20, 300 << 20
    assert engine.available_bytes() == (1 << 30) - (600 << 20)
    engine.on.trim()
    assert cupy.memory.cached == 0
    assert engine.total_bytes() == 1 << 30


def test_programs_are_loaded_once_and_again_after_another_plan(
    engine: CupyEngine, monkeypatch: pytest.MonkeyPatch, cupy: Any
) -> None:
    copies = []
    pointer = type(cupy.RawModule(code="__global__").get_global("qs_program"))
    copy = pointer.copy_from_device_async
    monkeypatch.setattr(
        pointer,
        "copy_from_device_async",
        lambda self, *rest: (copies.append(rest[1]), copy(self, *rest)),
    )
    plans = [
        make_plan(random_gates(14, 60, seed), Layout(), engine.profile(Precision.DOUBLE, 14))
        for seed in (1, 2)
    ]
    state = engine.allocate(14, Precision.DOUBLE, capacity=14)
    for number, loads in ((0, 1), (0, 1), (1, 2), (0, 3)):
        state.order = ()
        engine.apply(state, plans[number], Control())
        assert len(copies) == loads


def _in_child(engine: CupyEngine, pipe: Any) -> None:
    try:
        engine.allocate(3, Precision.DOUBLE, capacity=3)
    except QuaysideError as error:
        pipe.send(str(error))
    else:
        pipe.send("it went on")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_child_gets_a_clear_error(engine: CupyEngine) -> None:
    context = multiprocessing.get_context("fork")
    mine, theirs = context.Pipe()
    child = context.Process(target=_in_child, args=(engine, theirs))
    child.start()
    assert mine.poll(60)
    assert "forked from one that uses CUDA" in mine.recv()
    child.join()
