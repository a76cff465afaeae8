"""A CUDA device through CuPy: the only module that imports CuPy.

Simquay has a memory pool and a stream of its own; the user's, and CuPy's current allocator and
stream, are left alone.
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

from simquay.errors import OutOfMemoryError, SimquayError
from simquay.execution.memory import format_bytes
from simquay_cupy.device.sources import kernel_source

__all__ = ["CudaDevice"]

POOL_KEEPS = 1 << 28
"""Unused bytes that the pool may keep when a state is released."""

USUAL_SHARED_BYTES = 48 << 10
"""What a block may have without being asked for."""

MOST_SHARED_BYTES = 64 << 10
"""What it may have at most on every device that CUDA 13 compiles for."""

_log = logging.getLogger("simquay.cupy")
_REFUSALS = (cupy.cuda.runtime.CUDARuntimeError, cupy.cuda.driver.CUDADriverError)
"""What CuPy raises for errors of CUDA: launches go through the driver, the rest by the runtime."""


@dataclass(slots=True)
class _Recording:
    """A CUDA graph of launches, and of copies of programs between them.

    Attributes:
        graph: None until all is recorded.
        needs: by module, kernel and place of the programs that must be in constant memory when
            the graph starts. They often are, and then need no copy.
        leaves: what is there when it ends, as in :class:`CudaDevice`.
    """

    graph: Any = None
    needs: dict[str, tuple[str, Any, int, int]] = field(default_factory=dict)
    leaves: dict[str, tuple[Any, int]] = field(default_factory=dict)


class CudaDevice:
    """Device ``number`` of the process; one object serves all engines and threads."""

    def __init__(self, number: int = 0) -> None:
        self.number = number
        self._process = os.getpid()
        self._lock = threading.RLock()
        self._inside = False
        self._device = cupy.cuda.Device(number)
        self._modules: dict[str, Any] = {}
        self._functions: dict[str, Any] = {}
        # By module: the array, and the start in it, of what is in constant memory once all that
        # is queued is done.
        self._programs: dict[str, tuple[Any, int]] = {}
        self._recording: _Recording | None = None
        with self._device:
            self._pool = cupy.cuda.MemoryPool()
            self._stream = cupy.cuda.Stream(non_blocking=True)

    @property
    def xp(self) -> Any:
        """CuPy."""
        return cupy

    @contextmanager
    def active(self) -> Iterator[None]:
        """Work on this device, in Simquay's stream and pool; one thread at a time queues work."""
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
        """Our error for CuPy's; what the pool keeps is given back first."""
        with self._device:  # the pool has a part for each device, and this asks the current one
            self._pool.free_all_blocks()
        available = self.available_bytes()
        what = (
            f"the run needs {format_bytes(needed)} more" if needed else f"memory ran out ({error})"
        )
        return OutOfMemoryError(
            f"CUDA device {self.number}: {what}, and {format_bytes(available)} are free; "
            "use fewer qubits, or precision='single'",
            needed=needed,
            available=available,
        )

    def check(self) -> None:
        """Raise in a forked child of the process that began to use the device."""
        if os.getpid() != self._process:
            raise SimquayError(
                "this process was forked from one that uses CUDA, and CUDA does not work in such a "
                "child; start the child with the multiprocessing method 'spawn' or 'forkserver', "
                "or use a CPU backend in it"
            )

    def empty(self, shape: tuple[int, ...], dtype: Any) -> Any:
        """An uninitialised array from Simquay's pool."""
        with self.active():
            needed = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
            try:
                return cupy.empty(shape, dtype=dtype)
            except cupy.cuda.memory.OutOfMemoryError as error:
                raise self._out_of_memory(error, needed) from error

    def upload(self, array: NDArray[Any]) -> Any:
        """A copy of ``array``. Safe to overwrite ``array`` afterwards: the source is pageable, and
        such a copy has left it when the call returns."""
        with self.active():
            return cupy.asarray(array)

    def download(self, array: Any) -> NDArray[Any]:
        """A copy of ``array`` on the host."""
        with self.active():
            host: NDArray[Any] = cupy.asnumpy(array, stream=self._stream, blocking=True)
        return host

    def load_programs(self, kernel: str, words: Any, start: int, stop: int) -> None:
        """Queue a copy of the words to the constant memory of the kernel's module, unless they are
        what was copied there last."""
        name = kernel.rpartition("_")[2]
        with self.active():
            recording = self._recording
            there = self._programs if recording is None else recording.leaves
            last = there.get(name)
            if last is not None and last[0] is words and last[1] == start:
                return
            if recording is not None and last is None:
                recording.needs[name] = (kernel, words, start, stop)
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
        """Queue a kernel in Simquay's stream."""
        with self.active():
            function = self._functions.get(kernel)
            if function is None:
                function = self._functions[kernel] = self._module(kernel).get_function(kernel)
                if shared_bytes > USUAL_SHARED_BYTES:
                    function.max_dynamic_shared_size_bytes = MOST_SHARED_BYTES
            filled = [np.uint64(0) if value is None else value for value in arguments]
            function(grid, (threads, 1, 1), tuple(filled), shared_mem=shared_bytes)

    def _module(self, kernel: str) -> Any:
        """The module of the kernel, by what the kernel's name ends in, compiled at first use; CuPy
        keeps it on disk."""
        name = kernel.rpartition("_")[2]
        module = self._modules.get(name)
        if module is None:
            options = ("-std=c++17", f"-DQS_{name.upper()}")
            module = cupy.RawModule(code=kernel_source(), options=options)
            self._modules[name] = module
        return module

    def address(self, array: Any) -> int:
        """The array's address in device memory."""
        return int(array.data.ptr)

    def record(self, queue: Callable[[], None]) -> Any:
        """Record as a CUDA graph. Kernels that ``queue()`` launches must have been launched before:
        what CUDA does at a first launch is no part of a graph. None, and a line in the log, where
        CUDA refuses."""
        with self.active():
            recording = _Recording()
            try:
                self._stream.begin_capture()
                self._recording = recording
                try:
                    queue()
                except BaseException:
                    with suppress(*_REFUSALS):
                        self._stream.end_capture()
                    raise
                finally:
                    self._recording = None
                recording.graph = self._stream.end_capture()
                recording.graph.upload(self._stream)
            except _REFUSALS as error:
                _log.info("launches are not recorded: %s", error)
                return None
        return recording

    def replay(self, recording: Any) -> None:
        """Queue the graph."""
        with self.active():
            for kernel, words, start, stop in recording.needs.values():
                self.load_programs(kernel, words, start, stop)
            recording.graph.launch(self._stream)
            self._programs.update(recording.leaves)

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
        """Give back what the pool holds unused, if it is much."""
        with self.active():
            if self._pool.free_bytes() > POOL_KEEPS:
                self._pool.free_all_blocks()

    def available_bytes(self) -> int:
        """What the driver says is free, and what Simquay's pool holds unused; no more than CuPy's
        limit leaves."""
        self.check()
        with self._lock, self._device:
            free, _ = cupy.cuda.runtime.memGetInfo()
            free += self._pool.free_bytes()
            limit = self._pool.get_limit()
            return int(min(free, limit - self._pool.used_bytes()) if limit else free)

    def total_bytes(self) -> int:
        """What the device has, or the pool's limit: CuPy gives every pool that of the environment
        variable CUPY_GPU_MEMORY_LIMIT."""
        self.check()
        with self._lock, self._device:
            _, total = cupy.cuda.runtime.memGetInfo()
            limit = self._pool.get_limit()
            return int(min(total, limit) if limit else total)
