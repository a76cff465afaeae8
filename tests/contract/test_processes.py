"""Forks (J34) and interpreter exits (J40, J43) around jobs, in processes of their own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import pytest
from qiskit.providers import JobStatus

from simquay.jobs.dispatch.threads import WorkerPool
from simquay.jobs.job import Job
from tests.support.job_doubles import LONG, HeldWork, until
from tests.support.processes import WORKER_HEAD, cancelled_at_exit, gone, python

pytestmark = pytest.mark.serial

FORKS = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


# --- any job --------------------------------------------------------------------------------------

_FORK = """
import os, threading, warnings
from tests.support.job_doubles import HeldWork, a_job, a_ledger, LONG
from simquay.jobs.dispatch.tasks import MemoryRequest
from simquay.jobs.dispatch.threads import default_pool
from qiskit.providers import JobError

warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of any fork with threads
pool, ledger = default_pool(), a_ledger(1000)
done = a_job(HeldWork(held=False), pool)
done.result(LONG)
held = HeldWork(needs=MemoryRequest(ledger, 900))
unfinished = a_job(held, pool)
held.started.wait(LONG)
{before}
child = os.fork()
if child == 0:
    try:
        assert done.result().success and done.cancel() is False
        for call in (unfinished.result, unfinished.wait_for_final_state, unfinished.cancel):
            try:
                call()
            except JobError as error:
                assert "forked" in str(error), error
            else:
                raise AssertionError("no error")
        assert unfinished.status().name == "RUNNING"
        own = HeldWork(needs=MemoryRequest(ledger, 900), held=False)
        assert a_job(own, pool).result(LONG).success
    except BaseException:
        import traceback
        traceback.print_exc()
        os._exit(1)
    os._exit(0)
_, status = os.waitpid(child, 0)
{after}
held.let_go()
assert unfinished.result(LONG).success
assert a_job(HeldWork(held=False), pool).result(LONG).success
print("child", os.waitstatus_to_exitcode(status))
"""


@FORKS
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""),
        (  # the worst moment: other threads hold the locks
            "pool._condition.acquire(); unfinished._condition.acquire()",
            "pool._condition.release(); unfinished._condition.release()",
        ),
    ],
    ids=["quiet", "locks held"],
)
def test_j34_parent_and_child_run_again_after_a_fork(before: str, after: str) -> None:
    done = python("-c", _FORK.format(before=before, after=after))
    assert done.stdout.strip() == "child 0", done.stderr


_EXIT = """
import threading, time
from tests.support.job_doubles import {work}, a_job
from simquay.jobs.dispatch.threads import default_pool

works = [{work}() for _ in range(10)]
jobs = [a_job(work, default_pool()) for work in works]
works[0].started.wait()
{waiter}
import atexit
atexit.register(lambda: print(time.monotonic() - ended, jobs[0].status().name, flush=True))
ended = time.monotonic()
"""

_WAITER = """
def wait():
    try:
        jobs[0].result()
    except BaseException as error:
        print(type(error).__name__, flush=True)

threading.Thread(target=wait).start()  # no daemon: the interpreter joins it
"""


@pytest.mark.parametrize("work", ["HeldWork", "DeafWork"])
@pytest.mark.parametrize("waiter", ["", _WAITER], ids=["alone", "a thread waits"])
def test_j40_j43_the_interpreter_exits_promptly_while_jobs_run(work: str, waiter: str) -> None:
    done = python("-c", _EXIT.format(work=work, waiter=waiter))
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(cancelled_at_exit("10 jobs were"), done.stderr)
    *waiters, seconds, state = done.stdout.split()
    assert waiters == (["JobCancelledError"] if waiter else [])
    assert state == "CANCELLED"
    assert float(seconds) < 2


@pytest.mark.parametrize(
    "make", [lambda: WorkerPool(1), lambda: WorkerPool(sys.maxsize, lasting=False)]
)
def test_j40_the_exit_while_a_worker_is_about_to_start(
    make: Callable[[], WorkerPool], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The interpreter may exit while another thread is between making a worker and starting it.
    threads, about, go_on = make(), threading.Event(), threading.Event()
    start = threading.Thread.start

    def slow_start(thread: threading.Thread) -> None:
        if thread.name.startswith("simquay-"):
            about.set()
            assert go_on.wait(LONG)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", slow_start)
    job = Job(None, [HeldWork()], threads)
    submitter = threading.Thread(target=job.submit)
    submitter.start()
    assert about.wait(LONG)
    threads.stop()
    go_on.set()
    submitter.join(LONG)
    assert until(job.in_final_state)
    assert job.status() is not JobStatus.DONE


# --- jobs of engines ------------------------------------------------------------------------------

# OpenBLAS joins its threads inside fork(), and can wait for ever for one that the matrix product of
# another thread has just woken (seen once in a hundred forks on a loaded machine).
_ENGINE = """
import atexit, os, sys, threading, time, warnings
os.environ["OPENBLAS_NUM_THREADS"] = "1"
from qiskit import QuantumCircuit
import simquay

warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of any fork with threads

def bell():
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit

def long_circuit(qubits=20):
    circuit = QuantumCircuit(qubits)
    for layer in range(300):
        for index in range(qubits):
            circuit.rx(0.1 + index + layer, index)
        for index in range(qubits - 1):
            circuit.cx(index, index + 1)
    circuit.measure_all()
    return circuit

backend = simquay.get_backend({name!r})
"""

_ENGINE_FORK = """
first = backend.run(bell(), seed_simulator=1).result().get_counts()
unfinished = backend.run(long_circuit())
while not unfinished.running():
    time.sleep(0.001)
child = os.fork()
if child == 0:
    again = backend.run(bell(), seed_simulator=1).result(30).get_counts()
    try:
        unfinished.result()
    except simquay.errors.SimquayError as error:
        os._exit(0 if again == first and "forked" in str(error) else 2)
    os._exit(3)
_, status = os.waitpid(child, 0)
assert backend.run(bell(), seed_simulator=1).result(30).get_counts() == first
assert unfinished.cancel()
print("child", os.waitstatus_to_exitcode(status))
"""

_ENGINE_EXIT = """
jobs = [backend.run(long_circuit()) for _ in range(4)]
while not jobs[0].running():
    time.sleep(0.001)
time.sleep(0.1)
atexit.register(lambda: print(time.monotonic() - ended, flush=True))
ended = time.monotonic()
"""


@FORKS
@pytest.mark.parametrize("name", ["numpy", "reference"])
def test_j34_engines_run_before_and_after_a_fork(name: str) -> None:
    done = python("-c", _ENGINE.replace("{name!r}", repr(name)) + _ENGINE_FORK)
    assert done.stdout.strip() == "child 0", done.stderr


@pytest.mark.parametrize("name", ["numpy", "reference"])
def test_j40_j43_the_interpreter_exits_while_engines_run(name: str) -> None:
    done = python("-c", _ENGINE.replace("{name!r}", repr(name)) + _ENGINE_EXIT)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(cancelled_at_exit(r"\d+ jobs? w\w+"), done.stderr)
    assert float(done.stdout) < 2


# --- jobs in worker processes ---------------------------------------------------------------------


@pytest.mark.parametrize("end", ["exit", "kill", "os._exit"])
def test_j40_no_worker_outlives_its_process(end: str) -> None:
    program = WORKER_HEAD + (
        "job = running(backend.run(endless()))\n"
        "idle = simquay.get_backend('basic').run(flip()).result(60)\n"
        "print(*workers(), flush=True)\n"
        "sys.stdin.readline()\n"
    )
    if end == "os._exit":
        program += "os._exit(0)\n"
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        pids = [int(word) for word in process.stdout.readline().split()]
        assert len(pids) >= 2  # a spare one as well, where starting took long
        left = time.monotonic()
        if end == "kill":
            process.kill()
        _, errors = process.communicate("\n", timeout=60)  # the pipes' end: nobody holds them
        assert gone(*pids)
        if end == "exit":
            assert process.returncode == 0
            assert re.fullmatch(cancelled_at_exit("1 job was"), errors)
            assert time.monotonic() - left < 10  # far above what it takes, on a busy machine
    finally:
        process.kill()
        process.communicate()


@FORKS
def test_j34_worker_processes_before_and_after_a_fork() -> None:
    program = WORKER_HEAD + (
        "first = backend.run(flip()).result(60).get_counts()\n"
        "unfinished = running(backend.run(endless()))\n"
        "mine = set(workers())\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    code = 1\n"
        "    try:\n"
        "        same = backend.run(flip()).result(60).get_counts() == first\n"
        "        try:\n"
        "            unfinished.result(60)\n"
        "        except simquay.errors.SimquayError as error:\n"
        "            code = 0 if same and 'forked' in str(error) else 2\n"
        "        if mine & set(workers()):\n"
        "            code = 3\n"
        "    finally:\n"
        "        os._exit(code)\n"
        "_, status = os.waitpid(child, 0)\n"
        "assert backend.run(flip()).result(60).get_counts() == first\n"
        "assert unfinished.running() and unfinished.cancel()\n"
        "print('child', os.waitstatus_to_exitcode(status))\n"
    )
    done = python("-W", "error::ResourceWarning", "-c", program)
    assert (done.stdout, done.stderr) == ("child 0\n", "")


_OTHER_THREAD = """
import threading
import simquay
from qiskit import QuantumCircuit

circuit = QuantumCircuit(1)
circuit.x(0)
circuit.measure_all()
backend = simquay.get_backend({name!r})
begun = threading.Event()

def work():
    first = backend.run(circuit, shots=2)
    begun.set()
    threading.main_thread().join()
    print(first.result(60).get_counts(), flush=True)
    for _ in range(3):
        print(backend.run(circuit, shots=3).result(60).get_counts(), flush=True)

threading.Thread(target=work).start()
begun.wait()
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["numpy", "basic"])
def test_a_thread_that_outlives_the_main_thread_runs_its_jobs(name: str) -> None:
    done = python("-c", _OTHER_THREAD.format(name=name))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == ["{'1': 2}", *["{'1': 3}"] * 3]


_OTHERS_JOBS = """
import threading
from tests.support.job_doubles import HeldWork, a_job
from simquay.jobs.dispatch.threads import default_pool

mine, theirs = HeldWork(), HeldWork()
ready = threading.Event()

def work():
    job = a_job(theirs, default_pool())
    assert theirs.started.wait(60)
    ready.set()
    first.wait_for_final_state(60)
    print(first.status().name, job.status().name, flush=True)
    theirs.let_go()
    job.wait_for_final_state(60)
    print(job.status().name, flush=True)

first = a_job(mine, default_pool())
assert mine.started.wait(60)
threading.Thread(target=work).start()
ready.wait()
"""


def test_the_main_threads_jobs_stop_and_those_of_a_thread_that_goes_on_do_not() -> None:
    done = python("-c", _OTHERS_JOBS)
    assert done.returncode == 0
    assert re.fullmatch(cancelled_at_exit("1 job was"), done.stderr)
    assert done.stdout.split() == ["CANCELLED", "RUNNING", "DONE"]
