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
        """Do nothing, without taking a lock: another thread may have held any of ours at a fork.

        Raises:
            SimquayError: in a forked child of a process that used the device.
        """

    def active(self) -> AbstractContextManager[Any]:
        """Within this, the array library allocates from and works on this device.

        Raises:
            SimquayError: in a forked child of a process that used the device.
            OutOfMemoryError: from within, where memory ran out.
        """

    def empty(self, shape: tuple[int, ...], dtype: Any) -> Any:
        """An array with undefined contents, on the device.

        Raises:
            OutOfMemoryError: where that much is not free.
        """

    def upload(self, array: NDArray[Any]) -> Any:
        """A copy of ``array`` on the device."""

    def download(self, array: Any) -> NDArray[Any]:
        """A copy of ``array`` on the host; waits for the work that makes it."""

    def load_programs(self, kernel: str, words: Any, start: int, stop: int) -> None:
        """Put words ``start`` to ``stop`` of the uint32 array ``words``, which is on the device,
        where ``kernel`` reads programs. Hold :meth:`active` until its launches are queued: there
        is one such place."""

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
        """Where the array is, as a number that no other living array has."""

    def record(self, queue: Callable[[], None]) -> Any:
        """What ``queue()`` queues by :meth:`load_programs` and :meth:`launch`, without running it,
        to be replayed as one; None where the device cannot."""

    def replay(self, recording: Any) -> None:
        """Queue everything in ``recording``, on the same addresses. The caller sees to it that
        what is there still is what it was recorded for."""

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
