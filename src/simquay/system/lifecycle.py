"""Functions to call in a forked child, and at the end of the interpreter.

An object that keeps locks or threads registers here a method that renews them in a forked child,
and one that stops them at the end. All functions run, even if one of them raises. Where work of
another thread must not be cut in two by a fork, the fork waits for its lock.
"""

from __future__ import annotations

import atexit
import functools
import itertools
import os
import sys
import threading
import types
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Protocol

__all__ = [
    "Actions",
    "after_fork",
    "at_exit",
    "before_exit",
    "forks_at_once",
    "hold_at_fork",
    "import_lock",
    "others_go_on",
]

Action = Callable[[], object]

_FORK_PATIENCE = 30.0
"""Seconds that a fork waits, at most, for each lock: to compile takes less."""


class _Lock(Protocol):
    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool: ...

    def release(self) -> None: ...


class Actions:
    """Functions to call, in the order in which they were added.

    A method of an object is in here as long as the object is in use elsewhere.
    """

    def __init__(self) -> None:
        self._numbers = itertools.count()
        self._held: dict[int, tuple[Callable[..., object], weakref.ref[object] | None]] = {}

    def add(self, action: Action) -> None:
        """Add ``action``. Any thread may do so at any moment: there is no lock."""
        number = next(self._numbers)
        if isinstance(action, types.MethodType):
            # No WeakMethod: its callback raises where object and function are collected together.
            owner = weakref.ref(action.__self__, functools.partial(self._held.pop, number))
            self._held[number] = action.__func__, owner
        else:
            self._held[number] = action, None

    def __iter__(self) -> Iterator[Action]:
        for function, owner in self._held.copy().values():
            if owner is None:
                yield function
            elif (one := owner()) is not None:
                yield functools.partial(function, one)


_held_at_fork: list[tuple[Callable[[], _Lock], Action]] = []
_forking = threading.local()
_after_fork = Actions()
_before_exit = Actions()
_at_exit = Actions()


def after_fork(renew: Action) -> None:
    """Call ``renew`` in every child that this process forks, before anything else runs there.

    A child has one thread, and its locks are as they were: those that other threads held are never
    released. ``renew`` makes new ones. Functions run in the order of their registration; a method
    does not keep its object alive. Nothing is called where processes cannot fork.
    """
    _expect_forks()
    _after_fork.add(renew)


def hold_at_fork(lock: Callable[[], _Lock], not_held: Action) -> None:
    """Have every fork wait until no other thread holds ``lock()``, half a minute at most.

    For work that a child cannot do again where a thread of its parent was in the midst of it, as
    imports are: what the lock protects is then whole in the child. A child that was forked without
    the lock calls ``not_held`` before all functions of :func:`after_fork`. Forks take the locks in
    the order of registration; a thread must not ask for them in another order.
    """
    _expect_forks()
    _held_at_fork.append((lock, not_held))


@contextmanager
def forks_at_once() -> Iterator[None]:
    """Let forks of this thread wait for none of the locks of :func:`hold_at_fork`: for a child that
    does nothing of what they are held for, so imports and compiles nothing."""
    _forking.patience = 0.0
    try:
        yield
    finally:
        del _forking.patience


_expected = itertools.count()


def _expect_forks() -> None:
    """Have forks come to this module, from the first call on."""
    # A fork takes the lock of logging after ours, whose holders may log, if the hook of logging is
    # registered before. It is imported here since it takes half the time of importing simquay.
    import logging  # noqa: F401  # for the registration

    if not next(_expected) and hasattr(os, "register_at_fork"):
        os.register_at_fork(
            before=_before_fork, after_in_parent=_after_in_parent, after_in_child=_renew_all
        )


# One lock for all registries, because the imports that it serialises are the process's. It is
# re-entrant, so that a plugin that asks for a backend while it loads gets an error, not a deadlock.
_import_lock = threading.RLock()


def import_lock() -> threading.RLock:
    """The lock that is held while Simquay's larger parts are imported, and while plugins load and
    their probes and factories run.

    A fork waits for it: a child cannot import what another thread of its parent was importing.
    """
    _expect_forks()
    return _import_lock


def _renew_import_lock() -> None:
    global _import_lock
    _import_lock = threading.RLock()


_held_at_fork.append((lambda: _import_lock, _renew_import_lock))


def before_exit(stop: Action) -> None:
    """Call ``stop`` when the interpreter ends, before it joins the threads that are not daemons.

    A plain ``atexit`` function would run after those joins: a thread that waits in ``job.result()``
    would delay the exit until its job is done. Functions run in reverse order of their
    registration, and before the executors of ``concurrent.futures`` wait for their queues. A method
    does not keep its object alive. Other threads may go on then: see :func:`others_go_on`.

    Where ``stop`` returns a number, it is that of the jobs that it cancelled. One line on stderr
    says how many they are in all.
    """
    _expect_exit()
    _before_exit.add(stop)


def at_exit(stop: Action) -> None:
    """Call ``stop`` at the interpreter's end, after all threads that are not daemons have ended. A
    method does not keep its object alive."""
    _at_exit.add(stop)


def others_go_on() -> bool:
    """Whether threads run that are neither daemons nor the main thread: the interpreter waits for
    them before it ends."""
    main = threading.main_thread()
    return any(not one.daemon and one is not main for one in threading.enumerate())


@functools.cache
def _expect_exit() -> None:
    # The executors register their own functions when they are imported. The last one registered
    # runs first, so they have to be imported before.
    import concurrent.futures.process
    import concurrent.futures.thread  # noqa: F401  # for the registration

    threading._register_atexit(_stop_all)  # type: ignore[attr-defined]  # not in the stubs


def _before_fork() -> None:
    _forking.locks = locks = []
    patience = getattr(_forking, "patience", _FORK_PATIENCE)
    for lock, not_held in _held_at_fork:
        one = lock()
        locks.append((one if one.acquire(timeout=patience) else None, not_held))


def _after_in_parent() -> None:
    for lock, _ in reversed(_forking.locks):
        if lock is not None:
            lock.release()


def _renew_all() -> None:
    with ExitStack() as stack:
        for renew in reversed([*_after_fork]):
            stack.callback(renew)
        for lock, not_held in _forking.locks:
            stack.callback(not_held if lock is None else lock.release)


def _stop_all(actions: Actions = _before_exit) -> None:
    cancelled: list[int] = []
    with ExitStack() as stack:
        stack.callback(_tell, cancelled)  # the first one runs last
        for stop in actions:
            stack.callback(_stop_one, stop, cancelled)


def _stop_one(stop: Action, cancelled: list[int]) -> None:
    if isinstance(count := stop(), int):
        cancelled.append(count)


def _tell(cancelled: list[int]) -> None:
    if (count := sum(cancelled)) and sys.stderr is not None:
        jobs = "1 job was" if count == 1 else f"{count} jobs were"
        print(
            f"simquay: {jobs} cancelled, since the program ended; job.result() waits for a job",
            file=sys.stderr,
        )


atexit.register(_stop_all, _at_exit)
