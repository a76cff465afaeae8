"""The protocol of a device: arrays, launches, and how much memory there is.

:class:`simquay_cupy.device.cuda.CudaDevice` implements it, and so does a class of the tests that
runs the same kernel source on the host.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from numpy.typing import NDArray

__all__ = ["Device"]


class Device(Protocol):
    """A device. Every method may be called from any thread; work runs in the order of calls."""

    @property
    def xp(self) -> Any:
        """The array library: ``cupy``, or ``numpy``."""

    def check(self) -> None:
        """Check that this process may use the device. It takes no lock: another thread may have
        held one at a fork.

        Raises:
            SimquayError: in a forked child of a process that used the device.
        """

    def active(self) -> AbstractContextManager[Any]:
        """A context in which the array library allocates on this device and works on it.

        Raises:
            SimquayError: in a forked child of a process that used the device.
            OutOfMemoryError: where memory runs out inside.
        """

    def empty(self, shape: tuple[int, ...], dtype: Any) -> Any:
        """An uninitialised array on the device.

        Raises:
            OutOfMemoryError: if not that much is free.
        """

    def upload(self, array: NDArray[Any]) -> Any:
        """A copy of ``array`` on the device."""

    def download(self, array: Any) -> NDArray[Any]:
        """A copy of ``array`` on the host; waits for the work that makes it."""

    def load_programs(self, kernel: str, words: Any, start: int, stop: int) -> None:
        """Put words ``start`` to ``stop`` of the uint32 array ``words``, which is on the device,
        where ``kernel`` reads programs. There is one such place, so the caller holds
        :meth:`active` until the launches are queued."""

    def launch(
        self,
        kernel: str,
        grid: tuple[int, int, int],
        threads: int,
        arguments: Sequence[Any],
        shared_bytes: int = 0,
    ) -> None:
        """Queue a kernel. Arguments are arrays of the device, NumPy scalars, or None."""

    def address(self, array: Any) -> int:
        """The array's address, which no other living array has."""

    def capture(self, queue: Callable[[], None]) -> Any:
        """A graph of what ``queue()`` queues by :meth:`load_programs` and :meth:`launch`, which is
        not run now; None where the device cannot."""

    def replay(self, graph: Any) -> None:
        """Queue everything in ``graph``, with the addresses that it was captured with.

        The caller makes sure that the same arrays are still there."""

    def mark(self) -> Any:
        """A mark in the queue of work."""

    def wait(self, mark: Any) -> None:
        """Wait until the work before ``mark`` is done."""

    def trim(self) -> None:
        """Give unused memory back to the system."""

    def available_bytes(self) -> int:
        """Bytes that could be allocated now."""

    def total_bytes(self) -> int:
        """Bytes that the device has."""
