"""The CUDA device's own code, on a stand-in for CuPy. What CuPy does, only a GPU can show."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import pytest
from evolution import REFERENCE, TOLERANCE, evolve, oracle
from fake_cupy import make_fake_cupy
from host_device import HostDevice

from simquay.engine_api import (
    Cancelled,
    Control,
    Layout,
    OutOfMemoryError,
    Precision,
    ReferenceEngine,
    SimquayError,
    Strings,
    make_plan,
)
from simquay.testing.engines import random_gates
from simquay_cupy import engine as engine_module
from simquay_cupy.encoding import programs
from simquay_cupy.encoding.encode import encode_plan
from simquay_cupy.encoding.geometry import GEOMETRIES
from simquay_cupy.engine import CupyEngine


@pytest.fixture
def cupy(
    make_host_engine: Callable[[], CupyEngine], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    """A stand-in for CuPy that has 1 GiB of device memory."""
    host = make_host_engine().on
    assert isinstance(host, HostDevice)
    fake = make_fake_cupy(host.path, 1 << 30)
    monkeypatch.setitem(sys.modules, "cupy", fake)
    monkeypatch.delitem(sys.modules, "simquay_cupy.device.cuda", raising=False)
    yield fake
    sys.modules.pop("simquay_cupy.device.cuda", None)


@pytest.fixture
def engine(cupy: Any) -> CupyEngine:
    from simquay_cupy.device.cuda import CudaDevice

    return CupyEngine(CudaDevice())


@pytest.mark.parametrize("precision", list(Precision), ids=lambda p: p.value)
def test_a_program_runs_through_modules_streams_and_pools(
    engine: CupyEngine, precision: Precision
) -> None:
    gates = random_gates(13, 80, 4)
    found = engine.amplitudes(evolve(engine, gates, 13, precision))
    assert np.abs(found - REFERENCE.amplitudes(oracle(gates, 13))).max() < TOLERANCE[precision]


def test_what_does_not_fit_is_an_error_with_both_numbers(engine: CupyEngine, cupy: Any) -> None:
    engine.release(engine.allocate(20, Precision.DOUBLE, capacity=20))
    assert cupy.memory.cached == 16 << 20  # in the pool of small arrays
    with pytest.raises(OutOfMemoryError, match=r"needs 16 GiB more, and 1 GiB are free") as caught:
        engine.allocate(30, Precision.DOUBLE, capacity=30)
    assert caught.value.needed == 16 << 30
    assert caught.value.available == 1 << 30
    assert cupy.memory.cached == 0
    # The next run works.
    state = engine.allocate(12, Precision.DOUBLE, capacity=12)
    assert engine.probabilities(state, (), {})[0, 0] == 1


def test_a_cancelled_run_gives_its_memory_back(
    engine: CupyEngine, cupy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    control = Control()
    launch = CupyEngine._launch
    launches = []

    def then_cancel(self: CupyEngine, *rest: Any) -> None:
        launch(self, *rest)
        launches.append(1)
        control.cancel()

    monkeypatch.setattr(CupyEngine, "_launch", then_cancel)
    monkeypatch.setattr(cuda_device_module(), "POOL_KEEPS", 0)
    monkeypatch.setattr(cuda_device_module(), "LARGE_BYTES", 16 << 17)
    gates = random_gates(17, 200, 4)
    plan = make_plan(gates, Layout(), engine.profile(Precision.DOUBLE, 17))
    size = 16 << 17
    engine.release(engine.allocate(17, Precision.DOUBLE, capacity=17))
    state = engine.allocate(17, Precision.DOUBLE, capacity=17)
    with pytest.raises(Cancelled):
        engine.apply(state, plan, control)
    engine.release(state)
    assert len(launches) == 1
    assert engine.available_bytes() > cupy.memory.total - size  # but for the plan's programs
    evolve(engine, gates, 17)


def cuda_device_module() -> Any:
    """Imported for the stand-in, and anew in each test."""
    return sys.modules["simquay_cupy.device.cuda"]


def test_what_is_available_is_what_is_free_and_what_the_pool_keeps(
    engine: CupyEngine, cupy: Any
) -> None:
    large = [take(engine, size) for size in (400 << 20, 200 << 20, 100 << 20)]
    small = take(engine, 1 << 20)
    large[1].release()
    large[2].release()
    small.release()
    assert cupy.memory.cached == 301 << 20
    assert engine.available_bytes() == (1 << 30) - (401 << 20)
    engine.on.trim()
    assert cupy.memory.cached == 1 << 20
    assert engine.total_bytes() == 1 << 30


def take(engine: CupyEngine, size: int) -> Any:
    """Memory as for an array of ``size`` bytes."""
    with engine.on.active():
        return engine.on._malloc(size)


def test_a_small_array_keeps_no_large_block(engine: CupyEngine, cupy: Any) -> None:
    """A pool cuts any unused block, and frees none that has an array."""
    state = take(engine, 900 << 20)
    state.release()  # by a traceback that ends late, say: nobody trims
    programs = take(engine, 1 << 20)
    assert engine.available_bytes() == (1 << 30) - (1 << 20)
    again = take(engine, 1000 << 20)
    again.release()
    part = take(engine, 100 << 20)
    assert engine.available_bytes() == (1 << 30) - (101 << 20)
    assert programs.used
    assert part.used
    assert cupy.memory.cached == 0


def test_cupys_limit_is_what_the_device_has(engine: CupyEngine, cupy: Any) -> None:
    cupy.memory.limit = 200 << 20
    kept = [take(engine, 20 << 20) for _ in range(3)]  # as many plans may
    assert engine.total_bytes() == 200 << 20
    assert engine.available_bytes() == 140 << 20
    with pytest.raises(OutOfMemoryError, match=r"needs 256 MiB more, and 140 MiB are free"):
        engine.allocate(24, Precision.DOUBLE, capacity=24)
    cupy.memory.limit = 2 << 30  # more than there is
    assert engine.total_bytes() == 1 << 30
    assert engine.available_bytes() == (1 << 30) - (60 << 20)
    assert all(chunk.used for chunk in kept)


def test_memory_that_runs_out_in_the_middle_is_given_back(engine: CupyEngine, cupy: Any) -> None:
    take(engine, 300 << 20).release()
    assert cupy.memory.cached == 300 << 20
    with pytest.raises(OutOfMemoryError, match="memory ran out"), engine.on.active():
        raise cupy.cuda.memory.OutOfMemoryError("in a product")
    assert cupy.memory.cached == 0


def test_programs_are_loaded_once_and_again_after_another_plan(
    engine: CupyEngine, monkeypatch: pytest.MonkeyPatch, cupy: Any
) -> None:
    copies = []
    pointer = type(cupy.RawModule(code="__global__").get_global("qs_program"))
    copy = pointer.copy_from_device_async

    def counted(self: Any, *rest: Any) -> None:
        copies.append(rest[1])
        copy(self, *rest)

    monkeypatch.setattr(pointer, "copy_from_device_async", counted)
    plans = [
        make_plan(random_gates(14, 60, seed), Layout(), engine.profile(Precision.DOUBLE, 14))
        for seed in (1, 2)
    ]
    state = engine.allocate(14, Precision.DOUBLE, capacity=14)
    for number, loads in ((0, 1), (0, 1), (1, 2), (0, 3)):
        state.order = ()
        engine.apply(state, plans[number], Control())
        assert len(copies) == loads


def test_programs_stay_loaded_while_another_kernel_runs(engine: CupyEngine) -> None:
    """States of 12 qubits in double precision have a kernel, and constant memory, of their own."""
    plans = []
    for qubits in (12, 11):
        gates = random_gates(qubits, 60, qubits)
        plan = make_plan(gates, Layout(), engine.profile(Precision.DOUBLE, qubits))
        plans.append((qubits, plan, REFERENCE.amplitudes(oracle(gates, qubits))))
    for qubits, plan, expected in plans * 3:
        state = engine.allocate(qubits, Precision.DOUBLE, capacity=qubits)
        engine.apply(state, plan, Control())
        assert np.abs(engine.amplitudes(state) - expected).max() < TOLERANCE[Precision.DOUBLE]


def apply_often(
    engine: CupyEngine, monkeypatch: pytest.MonkeyPatch, cupy: Any, order: Sequence[int]
) -> list[int]:
    """Two plans on one state, always right; how many graphs were launched by when."""
    monkeypatch.setattr(programs, "PROGRAM_BYTES", 4096)
    monkeypatch.setattr(engine_module, "encode_plan", partial(encode_plan, limit=4096))
    reference = ReferenceEngine()
    state = engine.allocate(14, Precision.DOUBLE, capacity=14)
    launched = []
    cases = []
    for seed in (1, 2):
        gates = random_gates(14, 80, seed)
        plan = make_plan(gates, Layout(), engine.profile(Precision.DOUBLE, 14))
        assert len(engine.uploaded(plan, Precision.DOUBLE).programs.windows) > 1
        oracle = reference.allocate(14, Precision.DOUBLE, capacity=14)
        exact = make_plan(gates, Layout(), reference.profile(Precision.DOUBLE, 14))
        reference.apply(oracle, exact, Control())
        cases.append((plan, reference.amplitudes(oracle)))
    for number in order:
        plan, expected = cases[number]
        state.order = ()
        with engine.on.active():
            state.vectors[...] = np.nan
            state.vectors[:, 0] = 1
        engine.apply(state, plan, Control())
        assert np.abs(engine.amplitudes(state) - expected).max() < 1e-12
        launched.append(sum(graph.launched for graph in cupy.graphs))
    return launched


def test_a_graph_is_captured_once_and_finds_its_programs(
    engine: CupyEngine, monkeypatch: pytest.MonkeyPatch, cupy: Any
) -> None:
    replaying = CupyEngine(engine.on, replay="always")
    # Twice in a row: what a graph leaves in constant memory is not what it needs to begin.
    order = (0, 1, 0, 1, 0, 0, 0, 1, 1)
    assert apply_often(replaying, monkeypatch, cupy, order) == [0, 0, 1, 2, 3, 4, 5, 6, 7]
    assert len(cupy.graphs) == 2


@pytest.mark.parametrize("by", ["runtime", "driver"])
def test_where_cuda_refuses_to_capture_launches_go_on_one_by_one(
    engine: CupyEngine, monkeypatch: pytest.MonkeyPatch, cupy: Any, by: str
) -> None:
    end = cupy.cuda.Stream.end_capture
    runtime, driver = cupy.cuda.runtime.CUDARuntimeError, cupy.cuda.driver.CUDADriverError

    def refuse(stream: Any) -> Any:
        end(stream)
        raise {"runtime": runtime, "driver": driver}[by]("a capture is not supported")

    monkeypatch.setattr(cupy.cuda.Stream, "end_capture", refuse)
    replaying = CupyEngine(engine.on, replay="always")
    assert apply_often(replaying, monkeypatch, cupy, (0, 1, 0, 0, 1)) == [0] * 5


def test_an_error_while_capturing_ends_the_capture(engine: CupyEngine) -> None:
    def fail() -> None:
        raise KeyError("ours")

    with pytest.raises(KeyError):
        engine.on.capture(fail)
    # Nothing is captured any more: this would be refused.
    state = engine.allocate(12, Precision.DOUBLE, capacity=12)
    assert engine.probabilities(state, (), {})[0, 0] == 1
    # A capture allows no transfers, as on a GPU.
    assert engine.on.capture(lambda: engine.on.upload(np.zeros(3))) is None


def test_a_plan_goes_to_the_device_in_one_copy(
    engine: CupyEngine, monkeypatch: pytest.MonkeyPatch, cupy: Any
) -> None:
    copies = []
    asarray = cupy.asarray

    def counted(array: Any) -> Any:
        copies.append(array)
        return asarray(array)

    monkeypatch.setattr(cupy, "asarray", counted)
    plan = make_plan(random_gates(14, 60, 1), Layout(), engine.profile(Precision.DOUBLE, 14))
    state = engine.allocate(14, Precision.DOUBLE, capacity=14)
    for _ in range(2):
        state.order = ()
        engine.apply(state, plan, Control())
    assert len(copies) == 1


@pytest.mark.parametrize("read", ["probabilities", "amplitudes", "gather", "means"])
def test_other_threads_queue_work_while_one_waits_for_its_numbers(
    engine: CupyEngine, monkeypatch: pytest.MonkeyPatch, cupy: Any, read: str
) -> None:
    state = evolve(engine, random_gates(4, 20, 1), 4)
    strings = Strings(*(np.zeros(1, dtype=np.int64) for _ in range(4)))
    reads: dict[str, Callable[[], object]] = {
        "probabilities": lambda: engine.probabilities(state, (0,), {}),
        "amplitudes": lambda: engine.amplitudes(state),
        "gather": lambda: engine.gather(state, np.arange(3, dtype=np.uint64)),
        "means": lambda: engine.means(state, strings, Control()),
    }
    queued = []

    def synchronize(event: Any) -> None:
        other = threading.Thread(target=lambda: queued.append(engine.available_bytes()))
        other.start()
        other.join(60)

    monkeypatch.setattr(cupy.cuda.Event, "synchronize", synchronize)
    reads[read]()
    assert queued


def test_a_long_pass_is_slept_for_and_a_short_one_is_not_waited_for(
    engine: CupyEngine, monkeypatch: pytest.MonkeyPatch, cupy: Any
) -> None:
    sleeps = []
    monkeypatch.setattr(cupy.cuda.Event, "synchronize", lambda event: sleeps.append(event.block))
    gates = random_gates(15, 300, 1)
    plan = make_plan(gates, Layout(), engine.profile(Precision.DOUBLE, 15))
    for long in (1 << 16, 1 << 15):
        monkeypatch.setattr(engine_module, "LONG_LAUNCH", long)
        state = engine.allocate(15, Precision.DOUBLE, capacity=15)
        engine.apply(state, plan, Control())
        waits = len(plan) - engine_module.AHEAD if long == 1 << 15 else 0
        assert sleeps == [True] * waits
    assert waits > 0


def test_every_launch_may_have_as_much_shared_memory_as_a_program_can_ask_for(
    engine: CupyEngine,
) -> None:
    """Whatever the first launch of a kernel has."""
    evolve(engine, random_gates(11, 20, 1), 11)
    functions: dict[str, Any] = vars(engine.on)["_functions"]
    (kernel,) = (function for name, function in functions.items() if "tile_pass" in name)
    assert kernel.max_dynamic_shared_size_bytes == 64 << 10
    assert kernel.preferred_shared_memory_carveout == 100
    for precision, geometry in GEOMETRIES.items():
        real = precision.real_dtype.itemsize
        assert (2 * real << geometry.tile) + real * programs.MAX_FORMS <= 64 << 10


def _allocates(engine: CupyEngine) -> None:
    engine.allocate(3, Precision.DOUBLE, capacity=3)


def _applies(engine: CupyEngine) -> None:
    engine.apply(INHERITED["state"], INHERITED["plan"], Control())


INHERITED: dict[str, Any] = {}


def _in_child(engine: CupyEngine, work: Callable[[CupyEngine], None], pipe: Any) -> None:
    try:
        work(engine)
    except SimquayError as error:
        pipe.send(str(error))
    else:
        pipe.send("it went on")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
# Where another test's thread lives on, Python 3.12 and later warn of the fork.
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
@pytest.mark.parametrize("work", [_allocates, _applies])
def test_a_forked_child_gets_a_clear_error(
    engine: CupyEngine, work: Callable[[CupyEngine], None]
) -> None:
    context = multiprocessing.get_context("fork")
    mine, theirs = context.Pipe()
    INHERITED["plan"] = make_plan(
        random_gates(3, 9, 1), Layout(), engine.profile(Precision.DOUBLE, 3)
    )
    INHERITED["state"] = engine.allocate(3, Precision.DOUBLE, capacity=3)
    with engine._lock:  # as another thread of the parent may
        child = context.Process(target=_in_child, args=(engine, work, theirs))
        child.start()
    try:
        assert mine.poll(60), "the child hangs"
        assert "forked from one that uses CUDA" in mine.recv()
    finally:
        child.kill()
        child.join()
