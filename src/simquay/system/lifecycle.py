"""Functions to call in a forked child, and at the end of the interpreter.

An object that keeps locks or threads registers here a method that renews them in a forked child,
and one that stops them at the end. All functions run, even if one of them raises.
"""

from __future__ import annotations

import atexit
import functools
import inspect
import itertools
import os
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack

__all__ = ["Actions", "after_fork", "at_exit", "before_exit", "others_go_on"]

Action = Callable[[], object]


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
        if inspect.ismethod(action):
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


_after_fork = Actions()
_before_exit = Actions()
_at_exit = Actions()


def after_fork(renew: Action) -> None:
    """Call ``renew`` in every child that this process forks, before anything else runs there.

    A child has one thread, and its locks are as they were: those that other threads held are never
    released. ``renew`` makes new ones. Functions run in the order of their registration; a method
    does not keep its object alive. Nothing is called where processes cannot fork.
    """
    _after_fork.add(renew)


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


def _renew_all() -> None:
    with ExitStack() as stack:
        for renew in reversed([*_after_fork]):
            stack.callback(renew)


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


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)
