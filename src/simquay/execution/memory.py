"""Ledgers of the memory that runs have reserved, one a device, so that nothing is allocated that
does not fit.

The caller of :func:`~simquay.execution.run.run_program` reserves the memory of the first state
(:func:`required_bytes`) before the call. The run itself reserves memory for each copy of the state
that branching makes, and does without a copy where there is none.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from simquay.engines.base import Engine
from simquay.errors import OutOfMemoryError
from simquay.program import Precision, Program
from simquay.program.program import most_stored_qubits
from simquay.system.lifecycle import after_fork
from simquay.system.memory import (
    format_bytes,
    host_available_bytes,
    host_limit,
    host_spare_bytes,
    host_total_bytes,
)

__all__ = [
    "Budget",
    "Ledger",
    "MemorySource",
    "Reservation",
    "host_ledger",
    "ledger_for",
    "over_ceiling",
    "required_bytes",
    "statevector_bytes",
]


def required_bytes(program: Program, engine: Engine, precision: Precision) -> int:
    """The least bytes of the engine's device that a state of ``program`` needs, scratch included.

    Qubits that no gate touches take no memory.
    """
    return engine.required_bytes(most_stored_qubits(program), precision)


def statevector_bytes(program: Program, precision: Precision) -> int:
    """Bytes of host memory that a returned state vector takes: it holds all qubits."""
    return precision.amplitude_bytes << program.num_qubits


class Reservation:
    """Bytes taken from a ledger, until :meth:`release` (or the end of the ``with`` block)."""

    __slots__ = ("_give_back", "_lock", "bytes")

    def __init__(self, count: int, give_back: Callable[[int], None]) -> None:
        self.bytes = count
        self._give_back: Callable[[int], None] | None = give_back
        self._lock = threading.Lock()

    def release(self) -> None:
        """Give the bytes back. A second call does nothing."""
        with self._lock:
            give_back, self._give_back = self._give_back, None
        if give_back is not None:
            give_back(self.bytes)

    def __enter__(self) -> Reservation:
        return self

    def __exit__(self, *error: object) -> None:
        self.release()


class MemorySource(Protocol):
    """The source of a run's memory for copies: a :class:`Ledger` or a :class:`Budget`."""

    def try_reserve(self, count: int) -> Reservation | None:
        """``count`` bytes, or None where they cannot be had now."""


class Ledger:
    """The bytes of one device that runs have reserved. Any thread may call any method.

    The limit is the memory that the device had available when nothing was reserved last, at most
    its capacity. All reservations since count against it, whether their memory has been touched or
    not. A large request is also compared with the memory available now, since other processes use
    the device as well. A forked child starts with nothing reserved, since its parent's runs do not
    go on in it.

    Args:
        name: the device in words, for messages.
        available: gives the bytes that the device could give now.
        capacity: gives the bytes that it could give at most; without it, ``available`` decides.
        bound: says what limits them, in words, or gives an empty string.
        spare: gives the bytes that runs side by side leave alone.
    """

    def __init__(
        self,
        name: str,
        available: Callable[[], int],
        capacity: Callable[[], int] | None = None,
        bound: Callable[[], str] = str,
        spare: Callable[[], int] = int,
    ) -> None:
        self.name = name
        self._bound = bound
        self._spare = spare
        self._spared = 0
        self._available = available
        self._capacity = capacity
        self._lock = threading.Lock()
        self._reserved = 0
        self._limit: int | None = None
        self._callbacks: list[Callable[[], None]] = []
        after_fork(self._after_fork)

    @property
    def reserved(self) -> int:
        """Bytes reserved now."""
        return self._reserved

    @property
    def limit(self) -> int | None:
        """Bytes that may be reserved in all, as it stands; None before the first reservation."""
        return self._limit

    def try_reserve(self, count: int) -> Reservation | None:
        """Reserve ``count`` bytes, or return None where they are not free now.

        Raises:
            OutOfMemoryError: if waiting would not help: the bytes are more than the device has, or
                nothing is reserved here and other processes have taken what is missing.
        """
        reservation = Reservation(count, self._give_back)
        with self._lock:
            if self._limit is None:
                self._limit = self._ask_limit()
            # Asking the system costs as much as a small run, so a small request does not.
            large = (self._reserved + count) * _SMALL_SHARE > self._limit
            if large and not self._reserved:
                self._limit = self._ask_limit()
            if count > self._limit and (not self._reserved or count > self._most()):
                raise self._too_much(count)
            if self._reserved and self._reserved + count > self._limit - self._spared:
                return None
            if large and self._reserved and count > self._available():
                return None
            self._reserved += count
        return reservation

    def on_release(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call ``callback()`` after each release, in the thread that releases.

        Returns:
            A function that ends this.
        """
        with self._lock:
            self._callbacks.append(callback)

        def forget() -> None:
            with self._lock:
                if callback in self._callbacks:
                    self._callbacks.remove(callback)

        return forget

    def _ask_limit(self) -> int:
        available, self._spared = self._available(), self._spare()
        return available if self._capacity is None else min(available, self._capacity())

    def _most(self) -> int:
        """The most bytes that a run could have, alone on the device."""
        assert self._limit is not None
        return self._limit if self._capacity is None else max(self._limit, self._capacity())

    def _too_much(self, count: int) -> OutOfMemoryError:
        limit = self._limit or 0
        bound = self._bound()
        return OutOfMemoryError(
            f"the run needs {format_bytes(count)} of memory, but {self.name} has only "
            f"{format_bytes(limit)} available{bound and f', by {bound}'}",
            needed=count,
            available=limit,
        )

    def _give_back(self, count: int) -> None:
        with self._lock:
            self._reserved = max(self._reserved - count, 0)
            callbacks = tuple(self._callbacks)
        for callback in callbacks:
            callback()

    def _after_fork(self) -> None:
        self._lock = threading.Lock()  # the parent's other threads may have held it
        self._reserved = 0
        self._limit = None
        self._callbacks = []


_SMALL_SHARE = 16
"""Up to one part in so many of the limit is reserved without asking the system."""


class Budget:
    """A ledger with a ceiling for one run: the option ``max_memory_mb``.

    Args:
        ledger: the source of the bytes.
        ceiling: bytes that the run may have in all.
        used: bytes that the run has reserved already.
    """

    def __init__(self, ledger: Ledger, ceiling: int, used: int) -> None:
        self._ledger = ledger
        self._ceiling = ceiling
        self._lock = threading.Lock()
        self._used = used

    def try_reserve(self, count: int) -> Reservation | None:
        """``count`` bytes of the ledger within the ceiling, or None.

        Raises:
            OutOfMemoryError: as :meth:`Ledger.try_reserve`.
        """
        with self._lock:
            if self._used + count > self._ceiling:
                return None
            inner = self._ledger.try_reserve(count)
            if inner is None:
                return None
            self._used += count

        def give_back(count: int) -> None:
            with self._lock:
                self._used -= count
            inner.release()

        return Reservation(count, give_back)


def over_ceiling(need: int, ceiling: int | None) -> OutOfMemoryError | None:
    """The error of a run that needs more than the option ``max_memory_mb`` allows, both in bytes;
    None where it does not."""
    if ceiling is None or need <= ceiling:
        return None
    return OutOfMemoryError(
        f"the run needs {format_bytes(need)} of memory, but max_memory_mb allows "
        f"{format_bytes(ceiling)}",
        needed=need,
        available=ceiling,
    )


_ledgers: dict[str, Ledger] = {}
_ledgers_lock = threading.Lock()


def ledger_for(engine: Engine) -> Ledger:
    """The one ledger of the engine's device in this process."""
    return _ledger_of(engine.device, engine.available_bytes)


def host_ledger() -> Ledger:
    """The one ledger of this machine's memory in this process: that of all engines on the CPU."""
    return _ledger_of("cpu", host_available_bytes)


def _ledger_of(device: str, available: Callable[[], int]) -> Ledger:
    with _ledgers_lock:
        ledger = _ledgers.get(device)
        if ledger is None:
            if device == "cpu":
                ledger = Ledger(
                    "this machine", available, host_total_bytes, host_limit, host_spare_bytes
                )
            else:
                ledger = Ledger(f"the {device.upper()}", available)
            _ledgers[device] = ledger
        return ledger


def _renew_lock() -> None:
    global _ledgers_lock
    _ledgers_lock = threading.Lock()


after_fork(_renew_lock)
