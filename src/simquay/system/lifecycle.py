"""What happens to the process: a fork, and the end of the interpreter.

Whoever holds locks or threads registers here what to renew in a forked child, and what to stop at
the end. All of it runs, even where one of the functions raises.
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

    A child has one thread, and locks as they were: those that other threads held stay held for
    ever. ``renew`` makes new ones. What was registered first runs first. Where processes cannot
    fork, nothing is called.
    """
    _after_fork.append(renew)


def before_exit(stop: Action) -> None:
    """Call ``stop`` when the interpreter ends, before it joins the threads that are not daemons.

    A plain ``atexit`` function would run after those joins: a thread that waits in ``job.result()``
    would hold up the exit until its job is done. What was registered last runs first, and all of it
    before the executors of ``concurrent.futures`` wait for what they have queued.
    """
    # The executors register themselves in the same place when they are imported; what is registered
    # last runs first, so they have to come before.
    import concurrent.futures.process
    import concurrent.futures.thread  # noqa: F401  # imported to be there

    with _lock:
        if not _before_exit:
            threading._register_atexit(_stop_all)  # type: ignore[attr-defined]  # not in the stubs
        _before_exit.append(stop)


def at_exit(stop: Action) -> None:
    """Call ``stop`` at the end of the interpreter, after all threads that are not daemons.

    What was registered last runs first, as for ``atexit``.
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
