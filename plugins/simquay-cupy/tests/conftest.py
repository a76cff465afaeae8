"""The engine under test: on the host everywhere, and on a GPU where there is one (``-m gpu``)."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from host_device import HostDevice, compile_host_kernels, find_compiler

from simquay.plugin import Unavailable
from simquay_cupy.engine import CupyEngine
from simquay_cupy.probe import probe


@pytest.fixture(scope="session")
def make_host_engine(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], CupyEngine]:
    """Makes engines on the host, each with a device of its own."""
    if find_compiler() is None:
        pytest.skip("no C++ compiler to compile the kernels for the host with")
    folder = tmp_path_factory.getbasetemp().parent / "simquay-kernels"
    folder.mkdir(exist_ok=True)
    library: Path = compile_host_kernels(folder)
    return lambda: CupyEngine(HostDevice(library))


@pytest.fixture(
    scope="session", params=["host", pytest.param("gpu", marks=pytest.mark.gpu)], ids=str
)
def engine(request: pytest.FixtureRequest) -> CupyEngine:
    """The engine on the host; on the GPU for tests selected with ``-m gpu``."""
    if request.param == "host":
        make: Callable[[], CupyEngine] = request.getfixturevalue("make_host_engine")
        return make()
    return gpu_engine()


def gpu_engine() -> CupyEngine:
    """The engine on the GPU, or a skip that says why not."""
    found = probe()
    # Only the backend needs Qiskit; the engine and these tests do not.
    if isinstance(found, Unavailable) and "Qiskit" not in found.reason:
        pytest.skip(found.reason)
    from simquay_cupy.factory import make_engine

    engine = make_engine()
    if os.environ.get("CUPY_TESTS_WITHOUT_POOL"):
        import cupy

        # For memcheck: in a pool, memory behind an array is often another array's.
        on: Any = engine.on  # a CudaDevice, whose module cannot be imported everywhere
        on._malloc = cupy.cuda.malloc_async
    return engine
