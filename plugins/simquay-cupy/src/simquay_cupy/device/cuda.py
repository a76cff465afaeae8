"""A CUDA device through CuPy: the only module that imports CuPy.

It has its own memory pools and streams. The user's pools, and CuPy's current allocator and stream,
are not touched.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import cupy
import numpy as np
from numpy.typing import NDArray

from simquay.engine_api import OutOfMemoryError, SimquayError, format_bytes
from simquay_cupy.device.sources import kernel_source

__all__ = ["CudaDevice"]

LARGE_BYTES = 1 << 26
"""Bytes from which on an array is of the pool of large arrays. CuPy's pool takes a small array out
of any unused block, however large, and frees no block that has an array: the programs of one plan
would keep the memory of a large state."""

POOL_KEEPS = 1 << 28
"""Unused bytes that each pool may keep when a state is released, or before a large array is made:
no larger block is ever cut."""

MOST_SHARED_BYTES = 64 << 10
"""Bytes of shared memory that a block may have, if it asks, on every device that CUDA 13 compiles
for."""

_log = logging.getLogger("simquay.cupy")
_REFUSALS = (cupy.cuda.runtime.CUDARuntimeError, cupy.cuda.driver.CUDADriverError)
"""CuPy's errors of CUDA: launches go through the driver API, all else through the runtime API."""


@dataclass(slots=True)
class _Graph:
    """A CUDA graph of launches, and of copies of programs between them.

    Attributes:
        graph: CuPy's graph; None while it is captured.
        needs: by module, the kernel and the range of the programs that must be in constant memory
            when the graph starts. They often are, and then need no copy.
        leaves: the programs that are there when it ends, as ``CudaDevice._programs``.
    """

    graph: Any = None
    needs: dict[str, tuple[str, Any, int, int]] = field(default_factory=dict)
    leaves: dict[str, tuple[Any, int]] = field(default_factory=dict)


class CudaDevice:
    """Device ``number`` of the process; one object serves all engines and threads. Make no
    second one: CuPy gives both the same modules, whose constant memory they would both fill.

    Every method may be called from any thread; work runs in the order of calls. The engine's tests
    have a device with the same methods that runs the same kernel source on the host.
    """

    def __init__(self, number: int = 0) -> None:
        self.number = number
        self._process = os.getpid()
        self._lock = threading.RLock()
        self._inside = False
        self._device = cupy.cuda.Device(number)
        self._modules: dict[str, Any] = {}
        self._functions: dict[str, Any] = {}
        # By module: the array, and the start in it, of the programs that are in constant memory
        # once all queued work is done.
        self._programs: dict[str, tuple[Any, int]] = {}
        self._capturing: _Graph | None = None
        with self._device:
            self._small, self._large = self._pools = [cupy.cuda.MemoryPool() for _ in range(2)]
            self._stream, self._reads = [cupy.cuda.Stream(non_blocking=True) for _ in range(2)]

    @property
    def xp(self) -> Any:
        """The array library."""
        return cupy

    @contextmanager
    def active(self) -> Iterator[None]:
        """Work on this device, in Simquay's stream and pools; one thread at a time queues work.

        Raises:
            SimquayError: in a forked child of a process that used the device.
            OutOfMemoryError: where memory runs out inside.
        """
        self.check()
        with self._lock:
            if self._inside:  # by this thread, since it has the lock
                yield
                return
            self._inside = True
            try:
                with self._device, self._stream, cupy.cuda.using_allocator(self._malloc):
                    yield
            except cupy.cuda.memory.OutOfMemoryError as error:
                raise self._out_of_memory(error, 0) from error
            finally:
                self._inside = False

    def _malloc(self, size: int) -> Any:
        if size < LARGE_BYTES:
            return self._small.malloc(size)
        self.trim()
        return self._large.malloc(size)

    def _out_of_memory(self, error: Exception, needed: int) -> OutOfMemoryError:
        """Simquay's error for CuPy's, after the pools' unused memory was freed."""
        self._free(0)
        available = self.available_bytes()
        what = (
            f"the run needs {format_bytes(needed)} more" if needed else f"memory ran out ({error})"
        )
        return OutOfMemoryError(
            f"CUDA device {self.number}: {what}, and {format_bytes(available)} are free",
            needed=needed,
            available=available,
        )

    def check(self) -> None:
        """Check that this process may use the device. It takes no lock: another thread may have
        held one at a fork.

        Raises:
            SimquayError: in a forked child of the process that used the device.
        """
        if os.getpid() != self._process:
            raise SimquayError(
                "this process was forked from one that uses CUDA, and CUDA does not work in such a "
                "child; start the child with the multiprocessing method 'spawn' or 'forkserver', "
                "or use a CPU backend in it"
            )

    def empty(self, shape: tuple[int, ...], dtype: Any) -> Any:
        """An uninitialised array from Simquay's pools.

        Raises:
            OutOfMemoryError: if not that much is free.
        """
        with self.active():
            needed = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
            try:
                return cupy.empty(shape, dtype=dtype)
            except cupy.cuda.memory.OutOfMemoryError as error:
                raise self._out_of_memory(error, needed) from error

    def upload(self, array: NDArray[Any]) -> Any:
        """A copy of ``array``, which may be overwritten at once: a copy from pageable memory has
        read its source when the call returns."""
        with self.active():
            return cupy.asarray(array)

    def download(self, array: Any) -> NDArray[Any]:
        """A copy of ``array`` on the host; waits for the work that makes it. Where the caller does
        not hold :meth:`active`, other threads may queue work meanwhile, which is not waited for."""
        with self.active():
            array = cupy.ascontiguousarray(array)
            made = self.mark()
        self.wait(made)
        with self._device:
            host: NDArray[Any] = cupy.asnumpy(array, stream=self._reads, blocking=True)
        return host

    def load_programs(self, kernel: str, words: Any, start: int, stop: int) -> None:
        """Queue a copy of words ``start`` to ``stop`` of the uint32 array ``words``, which is on
        the device, to the constant memory of the kernel's module, unless they were copied there
        last. A module has one such place, so the caller holds :meth:`active` until the launches are
        queued."""
        name = kernel.rpartition("_")[2]
        graph = self._capturing
        there = self._programs if graph is None else graph.leaves
        last = there.get(name)
        if last is not None and last[0] is words and last[1] == start:
            return
        if graph is not None and last is None:
            graph.needs[name] = (kernel, words, start, stop)
        else:
            target = self._module(kernel).get_global("qs_program")
            size = 4 * (stop - start)
            target.copy_from_device_async(words[start:stop].data, size, self._stream)
        there[name] = (words, start)

    def launch(
        self,
        kernel: str,
        grid: tuple[int, int, int],
        threads: int,
        arguments: tuple[Any, ...],
        shared_bytes: int = 0,
    ) -> None:
        """Queue a kernel in Simquay's stream; the caller holds :meth:`active`. Arguments are arrays
        of the device, or NumPy scalars."""
        function = self._functions.get(kernel)
        if function is None:
            function = self._functions[kernel] = self._module(kernel).get_function(kernel)
            if shared_bytes:  # it differs from launch to launch
                function.max_dynamic_shared_size_bytes = MOST_SHARED_BYTES
                function.preferred_shared_memory_carveout = 100  # per cent; L1 is of little use
        function(grid, (threads, 1, 1), arguments, shared_mem=shared_bytes)

    def _module(self, kernel: str) -> Any:
        """The module with the kernel, named by the end of the kernel's name; compiled at first use.

        CuPy caches it on disk."""
        name = kernel.rpartition("_")[2]
        module = self._modules.get(name)
        if module is None:
            options = ("-std=c++17", f"-DQS_{name.upper()}")
            module = cupy.RawModule(code=kernel_source(), options=options)
            self._modules[name] = module
        return module

    def address(self, array: Any) -> int:
        """The array's address in device memory, which no other living array has."""
        return int(array.data.ptr)

    def capture(self, queue: Callable[[], None]) -> Any:
        """Capture what ``queue()`` queues by :meth:`load_programs` and :meth:`launch`, which is not
        run now, as a CUDA graph. The kernels must have been launched before, since the work of a
        first launch cannot be captured. None, and a line in the log, where CUDA refuses."""
        with self.active():
            graph = _Graph()
            try:
                self._stream.begin_capture()
                self._capturing = graph
                try:
                    queue()
                except BaseException:
                    with suppress(*_REFUSALS):
                        self._stream.end_capture()
                    raise
                finally:
                    self._capturing = None
                graph.graph = self._stream.end_capture()
                graph.graph.upload(self._stream)
            except _REFUSALS as error:
                _log.info("launches are not captured as a graph: %s", error)
                return None
        return graph

    def replay(self, graph: Any) -> None:
        """Queue everything in ``graph``, with the addresses that it was captured with. The caller
        makes sure that the same arrays are still there."""
        with self.active():
            for kernel, words, start, stop in graph.needs.values():
                self.load_programs(kernel, words, start, stop)
            graph.graph.launch(self._stream)
            self._programs.update(graph.leaves)

    def mark(self, sleep: bool = False) -> Any:
        """An event in the stream. To be woken, where the thread that waits sleeps, takes longer
        than a pass over a state of middle size."""
        with self.active():
            event = cupy.cuda.Event(block=sleep, disable_timing=True)
            event.record(self._stream)
        return event

    def wait(self, mark: Any) -> None:
        """Wait for an event, without the lock: other threads may queue work meanwhile."""
        mark.synchronize()

    def timed(self, work: Callable[[], object]) -> float:
        """Seconds, by the device's clock, from now until what ``work()`` queues is done. It is
        waited for."""
        with self.active():
            start, stop = cupy.cuda.Event(), cupy.cuda.Event()
            start.record(self._stream)
            work()
            stop.record(self._stream)
        stop.synchronize()
        return float(cupy.cuda.get_elapsed_time(start, stop)) / 1e3

    def trim(self) -> None:
        """Free the pools' unused memory, if there is much of it."""
        self.check()
        self._free(POOL_KEEPS)

    def _free(self, keep: int) -> None:
        """Free the unused memory of each pool that has more than ``keep`` bytes of it. (A pool has
        a part for each device; its methods mean the current one's.)"""
        with self._lock, self._device:
            for pool in self._pools:
                if pool.free_bytes() > keep:
                    pool.free_all_blocks()

    def available_bytes(self) -> int:
        """The driver's free memory, and what the pool of large arrays keeps, within CuPy's limit.
        The other pool's blocks often have a plan's programs, and then cannot be freed."""
        self.check()
        with self._lock, self._device:
            free, _ = cupy.cuda.runtime.memGetInfo()
            free += self._large.free_bytes()
            limit = self._large.get_limit()
            used = sum(pool.used_bytes() for pool in self._pools)
            return int(min(free, limit - used) if limit else free)

    def total_bytes(self) -> int:
        """The device's memory, or the pools' limit if that is less: CuPy sets every pool's limit
        from the environment variable ``CUPY_GPU_MEMORY_LIMIT``."""
        self.check()
        with self._lock, self._device:
            _, total = cupy.cuda.runtime.memGetInfo()
            limit = self._large.get_limit()
            return int(min(total, limit) if limit else total)
