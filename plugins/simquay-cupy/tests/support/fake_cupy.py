"""A stand-in for the parts of CuPy that the plugin uses, on NumPy and the host's kernels.

It lets the CUDA device's own code run where there is no GPU: pools, streams, modules, errors. It
proves nothing about CuPy; the signatures are those of CuPy 14.
"""

from __future__ import annotations

import sys
import types
import weakref
from collections import defaultdict
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from simquay_cupy.encoding.programs import PROGRAM_BYTES

__all__ = ["make_fake_cupy"]


class OutOfMemoryError(MemoryError):
    """As cupy.cuda.memory.OutOfMemoryError."""


class CUDARuntimeError(RuntimeError):
    """As cupy.cuda.runtime.CUDARuntimeError."""


class CUDADriverError(RuntimeError):
    """As cupy.cuda.driver.CUDADriverError, which is no CUDARuntimeError."""


class Memory:
    """The device's memory, in bytes: what the driver has not, the pools have in blocks."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.limit = 0
        self.pools: list[Pool] = []

    @property
    def used(self) -> int:
        """In living arrays."""
        return sum(pool.used_bytes() for pool in self.pools)

    @property
    def cached(self) -> int:
        """Unused, in the pools' blocks."""
        return sum(pool.free_bytes() for pool in self.pools)


@dataclass(eq=False)
class Chunk:
    """A part of one of a pool's blocks."""

    size: int
    used: bool = False

    def release(self) -> None:
        self.used = False


class Pool:
    """As cupy.cuda.MemoryPool: the smallest unused chunk that is large enough is cut, and no block
    that has a used chunk is freed."""

    def __init__(self, memory: Memory, device: Context, work: Work) -> None:
        self.memory, self.device, self.work = memory, device, work
        self.blocks: list[list[Chunk]] = []
        memory.pools.append(self)

    def malloc(self, size: int) -> Chunk:
        self.work.forbid()
        fits = [
            (chunk.size, number, place)
            for number, block in enumerate(self._merged())
            for place, chunk in enumerate(block)
            if not chunk.used and chunk.size >= size
        ]
        if fits:
            _, number, place = min(fits)
            block = self.blocks[number]
            rest = block[place].size - size
            block[place : place + 1] = [Chunk(size, True)] + ([Chunk(rest)] if rest else [])
            return block[place]
        mine = self.used_bytes() + self.free_bytes()
        if mine + size > (self.memory.limit or self.memory.total):
            self.free_all_blocks()  # as CuPy does, before it gives up
            mine = self.used_bytes() + self.free_bytes()
        total = self.memory.used + self.memory.cached + size
        if mine + size > (self.memory.limit or total) or total > self.memory.total:
            raise OutOfMemoryError(f"Out of memory allocating {size:,} bytes")
        self.blocks.append([Chunk(size, True)])
        return self.blocks[-1][0]

    def _merged(self) -> list[list[Chunk]]:
        for block in self.blocks:
            for place in reversed(range(1, len(block))):
                if not (block[place].used or block[place - 1].used):
                    block[place - 1].size += block.pop(place).size
        return self.blocks

    def free_all_blocks(self) -> None:
        assert self.device.entered, "another device's blocks would be freed"
        self.blocks = [block for block in self.blocks if any(chunk.used for chunk in block)]

    def get_limit(self) -> int:
        return self.memory.limit

    def used_bytes(self) -> int:
        return sum(chunk.size for block in self.blocks for chunk in block if chunk.used)

    def free_bytes(self) -> int:
        return sum(chunk.size for block in self.blocks for chunk in block if not chunk.used)


class Array(np.ndarray):
    """An array of the device: its data is a pointer that knows its address."""

    @property
    def data(self) -> Source:  # type: ignore[override]  # as CuPy's, it is a pointer
        return Source(self)


class Source:
    def __init__(self, array: np.ndarray) -> None:
        self.array = array
        self.ptr = array.ctypes.data


class Work:
    """What a stream is given: done at once, or recorded while it captures."""

    def __init__(self) -> None:
        self.captured: list[Callable[[], object]] | None = None
        self.invalid = False

    def queue(self, call: Callable[[], object]) -> None:
        if self.captured is None:
            call()
        else:
            self.captured.append(call)

    def forbid(self) -> None:
        """For what may not be done while a stream captures; it spoils the capture."""
        if self.captured is not None:
            self.invalid = True
            raise CUDARuntimeError("cudaErrorStreamCaptureUnsupported")


class Graph:
    """As cupy.cuda.Graph. It keeps the arrays of its launches alive, as CUDA does not: then a
    replay on the wrong ones shows as a wrong result, and as no crash."""

    def __init__(self, calls: list[Callable[[], object]]) -> None:
        self.calls = calls
        self.launched = 0

    def upload(self, stream: Any = None) -> None:
        stream.work.forbid()

    def launch(self, stream: Any = None) -> None:
        assert isinstance(stream, Stream)
        stream.work.forbid()
        self.launched += 1
        for call in self.calls:
            call()


class Pointer:
    def __init__(self, array: np.ndarray, work: Work) -> None:
        self.array = array
        self.work = work

    def copy_from_device_async(self, source: Any, size: int, stream: Any = None) -> None:
        def copy() -> None:
            self.array.view(np.uint8)[:size] = source.array.view(np.ndarray).view(np.uint8)[:size]

        self.work.queue(copy)


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
    work = Work()  # each stand-in has its own class
    graphs: list[Graph]

    def __init__(self, null: bool = False, non_blocking: bool = False, ptds: bool = False) -> None:
        self.non_blocking = non_blocking

    def begin_capture(self, mode: int | None = None) -> None:
        assert self.entered
        self.work.forbid()
        self.work.captured, self.work.invalid = [], False

    def end_capture(self) -> Graph:
        calls, self.work.captured = self.work.captured, None
        assert calls is not None
        if self.work.invalid:
            raise CUDARuntimeError("cudaErrorStreamCaptureInvalidated")
        self.graphs.append(Graph(calls))
        return self.graphs[-1]


class Event:
    def __init__(
        self, block: bool = False, disable_timing: bool = False, interprocess: bool = False
    ) -> None:
        self.block = block
        self.done = False

    def record(self, stream: Any = None) -> None:
        if stream is not None:
            stream.work.forbid()
        self.done = True
        self.time = perf_counter()

    def synchronize(self) -> None:
        assert self.done


def make_fake_cupy(library: Path, total: int = 1 << 32) -> types.ModuleType:
    """A module to put at ``sys.modules['cupy']``; ``total`` bytes of device memory."""
    from host_device import HostDevice

    memory = Memory(total)
    host = HostDevice(library)
    work = Work()
    device = Device()
    graphs: list[Graph] = []
    stream = type("Stream", (Stream,), {"work": work, "graphs": graphs})
    fake: Any = types.ModuleType("cupy")
    fake.__dict__.update(
        {name: getattr(np, name) for name in ("matmul", "empty_like", "copyto", "ndarray", "zeros")}
    )

    allocators: list[Any] = []

    @contextmanager
    def using_allocator(allocator: Any) -> Any:
        allocators.append(allocator)
        yield
        allocators.pop()

    def empty(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        assert allocators, "the user's allocator would be used"
        size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
        chunk = allocators[-1](size)
        array = host.empty(shape, dtype)
        weakref.finalize(array, chunk.release)
        return array.view(Array)

    def asarray(array: np.ndarray) -> np.ndarray:
        work.forbid()
        copied = empty(array.shape, array.dtype)
        copied[...] = array
        return copied

    # Each module has its own; CuPy gives one module to all who ask with equal arguments.
    constants: defaultdict[tuple[str, ...], NDArray[np.uint32]] = defaultdict(
        lambda: np.zeros(PROGRAM_BYTES // 4, dtype=np.uint32)
    )

    class RawKernel:
        attributes: ClassVar = {"local_size_bytes": 0}

        def __init__(self, name: str, constant: NDArray[np.uint32]) -> None:
            self.name = name
            self.constant = constant
            self.max_dynamic_shared_size_bytes = 48 << 10
            self.preferred_shared_memory_carveout = -1

        def __call__(
            self,
            grid: tuple[int, int, int],
            block: tuple[int, int, int],
            arguments: tuple[Any, ...],
            *,
            shared_mem: int = 0,
        ) -> None:
            # As on compute capability 7.5, which has least.
            assert self.max_dynamic_shared_size_bytes <= 64 << 10
            assert shared_mem <= self.max_dynamic_shared_size_bytes
            assert grid[0] < 1 << 31
            assert max(grid[1:]) < 1 << 16
            assert all(isinstance(each, (np.ndarray, np.generic)) for each in arguments)

            def launch() -> None:
                host.constant = self.constant
                host.launch(self.name, grid, block[0], arguments, shared_mem)

            work.queue(launch)

    class RawModule:
        def __init__(
            self, code: str | None = None, *, options: tuple[str, ...] = (), backend: str = "nvrtc"
        ) -> None:
            assert code is not None
            assert "__global__" in code
            self.options = options
            self.constant = constants[options]

        def get_function(self, name: str) -> RawKernel:
            assert f"-DQS_{name.rpartition('_')[2].upper()}" in self.options
            return RawKernel(name, self.constant)

        def get_global(self, name: str) -> Pointer:
            assert name == "qs_program"
            return Pointer(self.constant, work)

    def asnumpy(array: np.ndarray, stream: Any = None, *, blocking: bool = True) -> np.ndarray:
        work.forbid()
        return np.array(array)

    runtime = types.SimpleNamespace(
        CUDARuntimeError=CUDARuntimeError,
        memGetInfo=lambda: (memory.total - memory.used - memory.cached, memory.total),
        getDeviceProperties=lambda number: {"name": b"Pretender", "multiProcessorCount": 1},
    )
    fake.cuda = types.SimpleNamespace(
        Device=lambda number: device,
        driver=types.SimpleNamespace(CUDADriverError=CUDADriverError),
        Stream=stream,
        Event=Event,
        MemoryPool=lambda: Pool(memory, device, work),
        using_allocator=using_allocator,
        memory=types.SimpleNamespace(OutOfMemoryError=OutOfMemoryError),
        runtime=runtime,
        get_elapsed_time=lambda start, stop: 1e3 * (stop.time - start.time),
    )
    fake.__dict__.update(
        empty=empty,
        asarray=asarray,
        ascontiguousarray=np.ascontiguousarray,
        RawModule=RawModule,
        asnumpy=asnumpy,
        __version__="14.2.0",
        memory=memory,
        graphs=graphs,
    )
    module: types.ModuleType = fake
    return module


def install(library: Path) -> None:
    """Use the stand-in in this process, for a script that imports CuPy: 256 MiB of memory."""
    sys.modules["cupy"] = make_fake_cupy(library, 1 << 28)
