"""The kernels on the host, for tests where there is no GPU: slow, and one block at a time."""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simquay.engine_api import SimquayError, host_available_bytes, host_total_bytes
from simquay_cupy.device.sources import with_headers
from simquay_cupy.encoding.programs import PROGRAM_BYTES

if TYPE_CHECKING:
    from simquay_cupy.device.cuda import CudaDevice as _Device
else:  # its module imports CuPy
    _Device = object

__all__ = ["HostDevice", "compile_host_kernels", "find_compiler", "host_source"]


def host_source() -> str:
    """The text of host.cpp, next to this file, with the package's headers in it."""
    return with_headers(Path(__file__).with_name("host.cpp").read_text(encoding="utf-8"))


def find_compiler() -> str | None:
    """The C++ compiler: ``$CXX``, or g++, or clang++; None where there is none."""
    for name in (os.environ.get("CXX", ""), "g++", "clang++"):
        found = shutil.which(name) if name else None
        if found:
            return found
    return None


def compile_host_kernels(
    directory: Path, flags: Sequence[str] = (), source: str | None = None
) -> Path:
    """Compile ``source``, by default :func:`host_source`, to a shared library in ``directory``.

    A library that is there already is not compiled again.

    Raises:
        SimquayError: if there is no C++ compiler, or it fails; the message has what it said.
    """
    compiler = find_compiler()
    if compiler is None:
        raise SimquayError("no C++ compiler was found to compile the kernels for the host")
    command = [compiler, "-std=c++17", "-O2", "-ffp-contract=off", "-Wall", "-Wno-unknown-pragmas"]
    command += [*flags, "-shared", "-fPIC"]
    source = host_source() if source is None else source
    key = hashlib.sha256("\0".join([source, *command]).encode()).hexdigest()[:16]
    library = directory / f"simquay_kernels_{key}.so"
    if library.exists():
        return library
    with tempfile.TemporaryDirectory(dir=directory) as folder:
        text = Path(folder) / "host.cpp"
        text.write_text(source, encoding="utf-8")
        built = Path(folder) / "host.so"
        done = subprocess.run(
            [*command, "-o", str(built), str(text)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SimquayError(f"the kernels did not compile for the host:\n{done.stderr}")
        built.replace(library)  # in one step: another process may look for it
    return library


class HostDevice(_Device):
    """A device whose memory is the host's and whose launches are function calls.

    It has the methods of ``CudaDevice``, and none of its code.
    """

    def __init__(self, library: Path) -> None:
        self.path = library
        self._library = ctypes.CDLL(str(library))
        self._one_block = threading.RLock()
        self.constant = np.zeros(PROGRAM_BYTES // 4, dtype=np.uint32)
        self.launches: list[str] = []
        self._calls: list[Callable[[], None]] | None = None

    @property
    def xp(self) -> Any:
        """NumPy."""
        return np

    def check(self) -> None:
        """A forked child has this memory, too."""

    @contextmanager
    def active(self) -> Iterator[None]:
        """One thread at a time: the compiled source keeps a block's threads in static memory."""
        with self._one_block:
            yield

    def empty(self, shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
        """An array full of nonsense, so that a read of memory that nobody wrote shows."""
        array = np.empty(shape, dtype=dtype)
        array.view(np.uint8).fill(0xFF)  # NaN in every floating-point format
        return array

    def upload(self, array: NDArray[Any]) -> NDArray[Any]:
        """A copy."""
        copied: NDArray[Any] = array.copy()
        return copied

    def download(self, array: NDArray[Any]) -> NDArray[Any]:
        """A copy."""
        copied: NDArray[Any] = array.copy()
        return copied

    def load_programs(self, kernel: str, words: NDArray[np.uint32], start: int, stop: int) -> None:
        """Copy the words; what was there before is overwritten."""
        if self._calls is not None:
            self._calls.append(lambda: self.load_programs(kernel, words, start, stop))
            return
        self.constant.fill(0xFFFFFFFF)
        self.constant[: stop - start] = words[start:stop]

    def launch(
        self,
        kernel: str,
        grid: tuple[int, int, int],
        threads: int,
        arguments: tuple[Any, ...],
        shared_bytes: int = 0,
    ) -> None:
        """Call the function ``kernel`` for every block; the caller holds :meth:`active`."""
        if self._calls is not None:
            self._calls.append(lambda: self.launch(kernel, grid, threads, arguments, shared_bytes))
            return
        self.launches.append(kernel)
        sizes = (ctypes.c_int * 3)(*grid)
        programs = ctypes.c_void_p(self.constant.ctypes.data)
        self._library[kernel](sizes, programs, *map(_argument, arguments))

    def address(self, array: NDArray[Any]) -> int:
        """The array's address."""
        return array.ctypes.data

    def capture(self, queue: Callable[[], None]) -> list[Callable[[], None]]:
        """The calls, which keep the arrays that they are for alive."""
        with self.active():
            calls = self._calls = []
            try:
                queue()
            finally:
                self._calls = None
        return calls

    def replay(self, graph: list[Callable[[], None]]) -> None:
        """Make the calls."""
        with self.active():
            for call in graph:
                call()

    def mark(self, sleep: bool = False) -> None:
        """Nothing: calls return when the work is done."""

    def wait(self, mark: None) -> None:
        """Nothing."""

    def timed(self, work: Callable[[], object]) -> float:
        """By the host's clock."""
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    def trim(self) -> None:
        """Nothing."""

    def available_bytes(self) -> int:
        """Host memory that is free."""
        return host_available_bytes()

    def total_bytes(self) -> int:
        """Host memory."""
        return host_total_bytes()


def _argument(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return ctypes.c_void_p(value.ctypes.data)
    return np.ctypeslib.as_ctypes_type(value.dtype)(value.item())
