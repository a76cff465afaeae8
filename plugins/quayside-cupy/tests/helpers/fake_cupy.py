"""A stand-in for the parts of CuPy that the plugin uses, on NumPy and the host's kernels.

It lets the CUDA device's own code run where there is no GPU: pools, streams, modules, errors. It
proves nothing about CuPy; the signatures are those of CuPy 14.
"""

from __future__ import annotations

import sys
import types
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["make_fake_cupy"]


class OutOfMemoryError(MemoryError):
    """As cupy.cuda.memory.OutOfMemoryError."""


class Memory:
    """The device's memory: arrays of at least a megabyte count while they live."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.used = 0
        self.cached = 0


class Pointer:
    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def copy_from_device_async(self, source: Any, size: int, stream: Any = None) -> None:
        self.array.view(np.uint8)[:size] = np.frombuffer(source, dtype=np.uint8, count=size)


class Context:
    """A device or a stream: something to enter."""

    entered = 0

    def __enter__(self) -> Context:
        self.entered += 1
        return self

    def __exit__(self, *_: object) -> None:
        self.entered -= 1


class Device(Context):
    def __init__(self, number: int = 0) -> None:
        self.id = number


class Stream(Context):
    def __init__(self, null: bool = False, non_blocking: bool = False, ptds: bool = False) -> None:
        self.non_blocking = non_blocking


class Event:
    def __init__(
        self, block: bool = False, disable_timing: bool = False, interprocess: bool = False
    ) -> None:
        self.done = False

    def record(self, stream: Any = None) -> None:
        self.done = True

    def synchronize(self) -> None:
        assert self.done


def make_fake_cupy(library: Path, total: int = 1 << 32) -> types.ModuleType:
    """A module to put at ``sys.modules['cupy']``; ``total`` bytes of device memory."""
    from quayside_cupy.host_device import HostDevice

    memory = Memory(total)
    host = HostDevice(library)
    fake = types.ModuleType("cupy")
    fake.__dict__.update(
        {
            name: getattr(np, name)
            for name in ("matmul", "asarray", "empty_like", "copyto", "ndarray")
        }
    )

    class Pool:
        def malloc(self, size: int) -> int:
            if memory.used + size > memory.total:
                raise OutOfMemoryError(f"Out of memory allocating {size:,} bytes")
            return size

        def free_all_blocks(self) -> None:
            memory.cached = 0

        def free_bytes(self) -> int:
            return memory.cached

    allocators: list[Any] = []

    @contextmanager
    def using_allocator(allocator: Any) -> Any:
        allocators.append(allocator)
        yield
        allocators.pop()

    def empty(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        assert allocators, "the user's allocator would be used"
        size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
        allocators[-1](size)
        return host.empty(shape, dtype)

    class RawModule:
        def __init__(
            self, code: str | None = None, *, options: tuple[str, ...] = (), backend: str = "nvrtc"
        ) -> None:
            assert code is not None
            assert "__global__" in code
            self.options = options

        def get_function(self, name: str) -> Any:
            def launch(
                grid: tuple[int, int, int],
                block: tuple[int, int, int],
                arguments: tuple[Any, ...],
                *,
                shared_mem: int = 0,
            ) -> None:
                assert shared_mem <= 48 << 10
                assert grid[0] < 1 << 31
                assert max(grid[1:]) < 1 << 16
                assert all(isinstance(each, (np.ndarray, np.generic)) for each in arguments)
                host.launch(name, grid, block[0], arguments, shared_mem)

            return launch

        def get_global(self, name: str) -> Pointer:
            assert name == "qs_program"
            return Pointer(host._programs)

    def asnumpy(array: np.ndarray, stream: Any = None, *, blocking: bool = True) -> np.ndarray:
        return array.copy()

    runtime = types.SimpleNamespace(
        memGetInfo=lambda: (memory.total - memory.used, memory.total),
        getDeviceProperties=lambda number: {"name": b"Pretender", "multiProcessorCount": 1},
    )
    fake.cuda = types.SimpleNamespace(  # type: ignore[attr-defined]  # a module made by hand
        Device=Device,
        Stream=Stream,
        Event=Event,
        MemoryPool=Pool,
        using_allocator=using_allocator,
        memory=types.SimpleNamespace(OutOfMemoryError=OutOfMemoryError),
        runtime=runtime,
        get_elapsed_time=lambda start, stop: 1.0,
    )
    fake.__dict__.update(
        empty=empty, RawModule=RawModule, asnumpy=asnumpy, __version__="14.2.0", memory=memory
    )
    fake.random = np.random  # type: ignore[attr-defined]  # a module made by hand
    return fake


def install(library: Path) -> None:
    """Use the stand-in in this process, for a script that imports CuPy."""
    sys.modules["cupy"] = make_fake_cupy(library)
