"""A CUDA device through CuPy: the only module that imports CuPy.

It has its own memory pool and stream. The user's pools, and CuPy's current allocator and stream,
are not touched.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import cupy
import numpy as np
from numpy.typing import NDArray

from simquay.engine_api import OutOfMemoryError, SimquayError, format_bytes
from simquay_cupy.device.sources import kernel_source

__all__ = ["CudaDevice"]

POOL_KEEPS = 1 << 28
"""Unused bytes that the pool may keep when a state is released."""

USUAL_SHARED_BYTES = 48 << 10
"""Bytes of shared memory that a block may have by default."""

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
    """Device ``number`` of the process; one object serves all engines and threads.

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
            self._pool = cupy.cuda.MemoryPool()
            self._stream = cupy.cuda.Stream(non_blocking=True)

    @property
    def xp(self) -> Any:
        """The array library."""
        return cupy

    @contextmanager
    def active(self) -> Iterator[None]:
        """Work on this device, in Simquay's stream and pool; one thread at a time queues work.

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
                with self._device, self._stream, cupy.cuda.using_allocator(self._pool.malloc):
                    yield
            except cupy.cuda.memory.OutOfMemoryError as error:
                raise self._out_of_memory(error, 0) from error
            finally:
                self._inside = False

    def _out_of_memory(self, error: Exception, needed: int) -> OutOfMemoryError:
        """Simquay's error for CuPy's, after the pool's unused memory was freed."""
        with self._device:  # the pool has a part for each device, and this asks the current one
            self._pool.free_all_blocks()
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
        """An uninitialised array from Simquay's pool.

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
        """A copy of ``array`` on the host; waits for the work that makes it."""
        with self.active():
            host: NDArray[Any] = cupy.asnumpy(array, stream=self._stream, blocking=True)
        return host

    def load_programs(self, kernel: str, words: Any, start: int, stop: int) -> None:
        """Queue a copy of words ``start`` to ``stop`` of the uint32 array ``words``, which is on
        the device, to the constant memory of the kernel's module, unless they were copied there
        last. A module has one such place, so the caller holds :meth:`active` until the launches are
        queued."""
        name = kernel.rpartition("_")[2]
        with self.active():
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
        arguments: Sequence[Any],
        shared_bytes: int = 0,
    ) -> None:
        """Queue a kernel in Simquay's stream. Arguments are arrays of the device, NumPy scalars, or
        None."""
        with self.active():
            function = self._functions.get(kernel)
            if function is None:
                function = self._functions[kernel] = self._module(kernel).get_function(kernel)
                if shared_bytes > USUAL_SHARED_BYTES:
                    function.max_dynamic_shared_size_bytes = MOST_SHARED_BYTES
            filled = [np.uint64(0) if value is None else value for value in arguments]
            function(grid, (threads, 1, 1), tuple(filled), shared_mem=shared_bytes)

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

    def mark(self) -> Any:
        """An event in the stream."""
        with self.active():
            event = cupy.cuda.Event(block=True, disable_timing=True)
            event.record(self._stream)
        return event

    def wait(self, mark: Any) -> None:
        """Wait for an event, without the lock: other threads may queue work meanwhile."""
        mark.synchronize()

    def trim(self) -> None:
        """Free the pool's unused memory, if there is much of it."""
        with self.active():
            if self._pool.free_bytes() > POOL_KEEPS:
                self._pool.free_all_blocks()

    def available_bytes(self) -> int:
        """The driver's free memory and the pool's unused memory, within CuPy's limit."""
        self.check()
        with self._lock, self._device:
            free, _ = cupy.cuda.runtime.memGetInfo()
            free += self._pool.free_bytes()
            limit = self._pool.get_limit()
            return int(min(free, limit - self._pool.used_bytes()) if limit else free)

    def total_bytes(self) -> int:
        """The device's memory, or the pool's limit if that is less: CuPy sets every pool's limit
        from the environment variable ``CUPY_GPU_MEMORY_LIMIT``."""
        self.check()
        with self._lock, self._device:
            _, total = cupy.cuda.runtime.memGetInfo()
            limit = self._pool.get_limit()
            return int(min(total, limit) if limit else total)
