"""What is registered runs in a forked child, and at the end of the interpreter."""

from __future__ import annotations

import gc
import re
import subprocess
import sys
import weakref

import pytest

from simquay.system.lifecycle import Actions
from tests.support.processes import cancelled_at_exit


def run(program: str) -> subprocess.CompletedProcess[str]:
    """Run ``program`` in an interpreter of its own."""
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )


def test_a_child_renews_in_order_of_registration_even_where_one_raises() -> None:
    done = run(
        """
import os
from simquay.system.lifecycle import after_fork

def bad():
    raise ValueError("renewing failed")

after_fork(lambda: print("first", flush=True))
after_fork(bad)
after_fork(lambda: print("third", flush=True))
child = os.fork()
if child == 0:
    os._exit(0)
os.waitpid(child, 0)
"""
    )
    assert done.stdout.split() == ["first", "third"]
    assert "renewing failed" in done.stderr


def test_a_fork_waits_for_a_lock_and_then_tells_the_child_that_it_has_it_not() -> None:
    done = run(
        """
import os, threading
from simquay.system import lifecycle

free, busy = threading.RLock(), threading.RLock()
lifecycle.hold_at_fork(lambda: free, lambda: print("free is not held", flush=True))
lifecycle.hold_at_fork(lambda: busy, lambda: print("busy is not held", flush=True))

def in_a_thread(action):
    one = threading.Thread(target=action)
    one.start()
    return one

def fork(where):
    child = os.fork()
    if child:
        os.waitpid(child, 0)
    print(where, "child" if child == 0 else "parent", free.acquire(False), flush=True)
    free.release()
    if child == 0:
        os._exit(0)

lifecycle._FORK_PATIENCE = 0.1
in_a_thread(busy.acquire).join()  # and never released
fork("first")

lifecycle._FORK_PATIENCE = 30
taken, over = threading.Event(), threading.Event()
def work():
    with busy:
        taken.set()
        over.wait()
        print("work is done", flush=True)

busy = threading.RLock()
worker = in_a_thread(work)
taken.wait()
threading.Timer(0.2, over.set).start()
fork("second")
"""
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "busy is not held",
        "first child True",
        "first parent True",
        "work is done",
        "second child True",
        "second parent True",
    ]


def test_the_end_stops_the_latest_first_and_before_other_threads_are_joined() -> None:
    done = run(
        """
import threading
from simquay.system.lifecycle import before_exit

over = threading.Event()

before_exit(lambda: (print("first registered", flush=True), over.set()))
before_exit(lambda: print("last registered", flush=True))
# The interpreter would wait for this thread for ever, if nothing set the event before the join.
threading.Thread(target=lambda: (over.wait(), print("thread ends", flush=True))).start()
"""
    )
    assert done.stdout.splitlines() == ["last registered", "first registered", "thread ends"]
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("counts", "told"), [((), ""), ((0,), ""), ((1, 0), "1 job was"), ((2, 3), "5 jobs were")]
)
def test_one_line_says_how_many_jobs_the_end_has_cancelled(
    counts: tuple[int, ...], told: str
) -> None:
    done = run(
        f"""
from functools import partial
from simquay.system.lifecycle import before_exit

for count in {counts}:
    before_exit(partial(int, count))
before_exit(lambda: None)
"""
    )
    assert done.returncode == 0
    assert re.fullmatch(cancelled_at_exit(told) if told else "", done.stderr)


def test_the_end_stops_all_even_where_one_raises() -> None:
    done = run(
        """
from simquay.system.lifecycle import before_exit

def bad():
    raise ValueError("stopping failed")

before_exit(lambda: print("first registered", flush=True))
before_exit(bad)
"""
    )
    assert done.stdout.split() == ["first", "registered"]
    assert "stopping failed" in done.stderr


def test_the_end_stops_before_executors_wait_for_what_they_have_queued() -> None:
    done = run(
        """
import threading
from simquay.system.lifecycle import before_exit

over = threading.Event()
before_exit(over.set)
from concurrent.futures import ThreadPoolExecutor

ThreadPoolExecutor(1).submit(over.wait)
"""
    )
    assert (done.returncode, done.stderr) == (0, "")


class Counter:
    def __init__(self, actions: Actions) -> None:
        self.count = 0
        actions.add(self.increase)

    def increase(self) -> None:
        self.count += 1


def test_methods_are_called_as_long_as_their_object_is_in_use() -> None:
    actions = Actions()
    kept, dropped = Counter(actions), weakref.ref(Counter(actions))
    gc.collect()
    assert dropped() is None
    for action in actions:
        action()
    assert kept.count == 1
    assert len([*actions]) == 1


def test_at_exit_comes_after_other_threads_and_knows_of_them_before() -> None:
    done = run(
        """
import threading
from simquay.system.lifecycle import at_exit, before_exit, others_go_on

over = threading.Event()
at_exit(lambda: print("exit", others_go_on()))
before_exit(lambda: (print("main has ended", others_go_on(), flush=True), over.set()))
threading.Thread(target=lambda: (over.wait(), print("thread ends", flush=True))).start()
"""
    )
    assert done.stdout.splitlines() == ["main has ended True", "thread ends", "exit False"]
    assert (done.returncode, done.stderr) == (0, "")
