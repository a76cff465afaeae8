"""Functions to call in a forked child, and at the end of the interpreter.

A module that keeps locks or threads registers here a function that renews them in a forked child,
and one that stops them at the end. All functions run, even if one of them raises.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable
from contextlib import ExitStack

__all__ = ["after_fork", "at_exit", "before_exit"]

Action = Callable[[], object]

_after_fork: list[Action] = []
_before_exit: list[Action] = []
_lock = threading.Lock()


def after_fork(renew: Action) -> None:
    """Call ``renew`` in every child that this process forks, before anything else runs there.

    A child has one thread, and its locks are as they were: those that other threads held are never
    released. ``renew`` makes new ones. Functions run in the order of their registration. Nothing is
    called where processes cannot fork.
    """
    _after_fork.append(renew)


def before_exit(stop: Action) -> None:
    """Call ``stop`` when the interpreter ends, before it joins the threads that are not daemons.

    A plain ``atexit`` function would run after those joins: a thread that waits in ``job.result()``
    would delay the exit until its job is done. Functions run in reverse order of their
    registration, and before the executors of ``concurrent.futures`` wait for their queues.
    """
    # The executors register their own functions when they are imported. The last one registered
    # runs first, so they have to be imported before.
    import concurrent.futures.process
    import concurrent.futures.thread  # noqa: F401  # for the registration

    with _lock:
        if not _before_exit:
            threading._register_atexit(_stop_all)  # type: ignore[attr-defined]  # not in the stubs
        _before_exit.append(stop)


def at_exit(stop: Action) -> None:
    """Call ``stop`` at the end of the interpreter, after all threads that are not daemons.

    Functions run in reverse order of their registration, as with ``atexit``.
    """
    atexit.register(stop)


def _renew_all() -> None:
    global _lock
    _lock = threading.Lock()
    with ExitStack() as stack:
        for renew in reversed(_after_fork):
            stack.callback(renew)


def _stop_all() -> None:
    with ExitStack() as stack:
        for stop in _before_exit:
            stack.callback(stop)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)
