"""Cancellation and progress: one object that is passed down to every loop."""

from __future__ import annotations

import threading
from collections.abc import Callable

from simquay.errors import Cancelled

__all__ = ["Control"]


class Control:
    """Carries cancellation down to the loops of a job, and progress up.

    A loop over passes, branches, circuits or blocks calls :meth:`check` before each step and
    :meth:`report` after it. Work that consists of parts gives each part a :meth:`section`.

    Invariants: :attr:`fraction` is in [0, 1] and never falls; once :attr:`cancelled` is true it
    stays true. Every method may be called from any thread.
    """

    __slots__ = ("_callbacks", "_cancelled", "_high", "_lock", "_low", "_root", "_value")

    def __init__(self) -> None:
        self._cancelled = False  # of the root alone, as the value
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], object]] = []
        self._root = self
        self._low = 0.0
        self._high = 1.0
        self._value = 0.0

    @property
    def cancelled(self) -> bool:
        """Whether the work was cancelled."""
        return self._root._cancelled

    @property
    def fraction(self) -> float:
        """How much of the whole work is done, from 0 to 1; the same on every section of it."""
        return self._root._value

    def cancel(self) -> None:
        """Cancel the whole work: it stops at its next :meth:`check`."""
        self._root._cancelled = True
        for callback in tuple(self._callbacks):
            callback()

    def on_cancel(self, callback: Callable[[], object]) -> Callable[[], None]:
        """Call ``callback()`` when the work is cancelled, in the thread that cancels it.

        A cancellation before this is not reported: call :meth:`check` afterwards.

        Returns:
            A function that ends this; call it once.
        """
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback)

    def check(self) -> None:
        """Raise :class:`~simquay.errors.Cancelled` if the work was cancelled."""
        if self._root._cancelled:
            raise Cancelled("the work was cancelled")

    def wait(self, seconds: float) -> bool:
        """Sleep for up to ``seconds``, or until the work is cancelled; whether it was."""
        cancelled = threading.Event()  # not kept: most work never waits
        forget = self.on_cancel(cancelled.set)
        try:
            return self._root._cancelled or cancelled.wait(seconds)
        finally:
            forget()

    def report(self, fraction: float) -> None:
        """Report that ``fraction`` (0 to 1) of this section is done."""
        value = self._low + (self._high - self._low) * min(max(fraction, 0.0), 1.0)
        root = self._root
        with self._lock:  # two sections may report at once: without it the fraction could fall
            root._value = max(root._value, value)

    def section(self, low: float, high: float) -> Control:
        """A control for a part: its 0 to 1 is this control's ``low`` to ``high``."""
        part = Control.__new__(Control)
        part._lock = self._lock
        part._callbacks = self._callbacks
        part._root = self._root
        span = self._high - self._low
        part._low = self._low + span * low
        part._high = self._low + span * high
        part._value = 0.0
        return part
