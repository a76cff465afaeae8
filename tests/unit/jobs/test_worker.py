"""Worker processes: from any kind of script, through forks, and never left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from simquay.jobs.workers.channel import Channel, ChannelClosed
from simquay.jobs.workers.errors import error_from_plain, error_to_plain
from simquay.jobs.workers.messages import BackendSource, RecentKeys
from simquay.jobs.workers.pool import ProcessPool
from simquay.jobs.workers.process import WorkerDiedError
from tests.support.job_doubles import LONG, until
from tests.support.paths import ROOT

pytestmark = pytest.mark.timeout(120)

SOURCE = BackendSource(factory="tests.support.foreign_backends:make_plain")

HEAD = """
import os, sys, time, warnings
from qiskit import QuantumCircuit
import simquay

warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of any fork with threads

def flip(width=1):
    circuit = QuantumCircuit(width, width)
    circuit.x(range(width))
    circuit.measure(range(width), range(width))
    return circuit

def endless():
    circuit = QuantumCircuit(20, 1)
    for _ in range(2000):
        circuit.h(range(20))
    circuit.measure(0, 0)
    return circuit

def running(job):
    while not job.running():
        time.sleep(0.001)
    return job

def workers():
    from simquay.jobs.workers.pool import default_workers
    return default_workers().pids()

backend = simquay.get_backend("basic")
"""

RUNS = HEAD + "print(backend.run(flip(), shots=3).result(60).get_counts())\n"


def nothing() -> None:
    """A check that never raises."""


def gone(*pids: int) -> bool:
    """Whether no process has one of these ids any more; a zombie is gone."""

    def runs(pid: int) -> bool:
        try:
            return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    return until(lambda: not any(map(runs, pids)), 5.0)


def python(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
        **options,
    )


# --- the channel ----------------------------------------------------------------------------------


@pytest.fixture
def ends() -> Iterator[tuple[Channel, Channel]]:
    one, other = map(Channel, socket.socketpair())
    yield one, other
    one.close()
    other.close()


@pytest.mark.parametrize("size", [0, 1, 8, 1 << 12, 1 << 23])
def test_messages_of_any_size_arrive_whole(ends: tuple[Channel, Channel], size: int) -> None:
    message = os.urandom(size)
    sender = threading.Thread(target=lambda: [ends[0].send(message), ends[0].send(b"next")])
    sender.start()
    assert ends[1].receive() == message
    assert ends[1].receive() == b"next"
    sender.join(LONG)


def test_waiting_looks_at_its_check(ends: tuple[Channel, Channel]) -> None:
    class Enough(Exception):
        pass

    end = time.monotonic() + 0.1

    def check() -> None:
        if time.monotonic() > end:
            raise Enough

    with pytest.raises(Enough):
        ends[0].receive(check)
    with pytest.raises(Enough):
        ends[0].send(bytes(1 << 24), check)


def test_the_other_ends_end_is_noticed(ends: tuple[Channel, Channel]) -> None:
    assert not ends[0].hung_up()
    ends[1].close()
    assert ends[0].hung_up()
    with pytest.raises(ChannelClosed):
        ends[0].receive()
    with pytest.raises(ChannelClosed):
        ends[0].send(bytes(1 << 20))


# --- messages -------------------------------------------------------------------------------------


def test_both_ends_forget_alike() -> None:
    one, other = RecentKeys(), RecentKeys()
    forgotten = [(one.use(key), other.use(key)) for key in "abcabdefghijab"]
    assert all(left == right for left, right in forgotten)
    assert [left for left, _ in forgotten if left] == ["c", "a", "b", "d"]
    assert "a" in one
    assert "c" not in one


def test_errors_travel_with_their_traceback() -> None:
    def fail() -> None:
        raise KeyError("lost")

    with pytest.raises(KeyError) as caught:
        fail()
    again = error_from_plain(error_to_plain(caught.value, pickled=True), pickled=True)
    assert isinstance(again, KeyError)
    assert again.args == ("lost",)
    assert "in fail" in str(again.__cause__)


# --- the pool -------------------------------------------------------------------------------------


@pytest.fixture
def pool() -> ProcessPool:
    return ProcessPool(kept=1, spare_after=LONG)


def test_a_worker_is_kept_and_those_too_many_are_not(pool: ProcessPool) -> None:
    one, other = pool.lease(SOURCE, nothing), pool.lease(SOURCE, nothing)
    assert one.pid != other.pid
    pool.give_back(one)
    pool.give_back(other)
    assert gone(other.pid)
    assert pool.pids() == [one.pid]
    assert pool.lease(SOURCE, nothing) is one
    pool.stop()
    assert gone(one.pid)


def test_what_is_dropped_is_gone_and_replaced(pool: ProcessPool) -> None:
    one = pool.lease(SOURCE, nothing)
    pool.drop(one)
    assert gone(one.pid)
    assert pool.pids() == []
    other = pool.lease(SOURCE, nothing)
    other.wait_ready(nothing)
    assert other.alive
    os.kill(other.pid, signal.SIGKILL)
    with pytest.raises(WorkerDiedError, match="SIGKILL"):
        other.receive()
    pool.drop(other)
    pool.stop()


def test_a_pool_that_stopped_starts_nothing(pool: ProcessPool) -> None:
    pool.stop()
    with pytest.raises(WorkerDiedError, match="exiting"):
        pool.lease(SOURCE, nothing)


def test_no_interpreter_is_an_error_and_no_hang(
    pool: ProcessPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(WorkerDiedError, match="no worker process can be started"):
        pool.lease(SOURCE, nothing)
    pool.stop()


# --- the spare worker -----------------------------------------------------------------------------


@pytest.fixture
def eager() -> Iterator[ProcessPool]:
    pool = ProcessPool(spare_after=0.2)
    yield pool
    pool.stop()


def test_a_long_run_brings_a_spare_worker(eager: ProcessPool) -> None:
    one = eager.lease(SOURCE, nothing)
    assert until(lambda: len(eager.pids()) == 2, LONG)
    other = eager.lease(SOURCE, nothing)
    assert other.pid in eager.pids()
    assert other is not one
    eager.give_back(other)
    eager.drop(one)
    time.sleep(0.5)
    assert eager.pids() == [other.pid]  # one idle worker is enough


def test_what_was_dropped_is_replaced_when_the_pool_is_left_alone(eager: ProcessPool) -> None:
    one = eager.lease(SOURCE, nothing)
    eager.drop(one)
    assert until(lambda: len(eager.pids()) == 1, LONG)
    (spare,) = eager.pids()
    assert eager.lease(SOURCE, nothing).pid == spare


def test_short_runs_bring_no_spare_worker(eager: ProcessPool) -> None:
    one = eager.lease(SOURCE, nothing)
    eager.give_back(one)
    end = time.monotonic() + 1.0
    while time.monotonic() < end:
        assert eager.lease(SOURCE, nothing) is one
        eager.give_back(one)
    time.sleep(0.5)
    assert eager.pids() == [one.pid]


def test_a_pool_that_was_never_used_or_has_stopped_starts_no_spare(eager: ProcessPool) -> None:
    time.sleep(0.5)
    assert eager.pids() == []
    one = eager.lease(SOURCE, nothing)
    eager.stop()
    assert gone(one.pid)
    time.sleep(0.5)
    assert eager.pids() == []


def test_where_no_spare_can_be_started_it_is_tried_now_and_then(
    eager: ProcessPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    eager.drop(eager.lease(SOURCE, nothing))
    tries = []

    def refuse(source: BackendSource) -> None:
        tries.append(source)
        raise OSError("too many processes")

    with monkeypatch.context() as patch:
        patch.setattr("simquay.jobs.workers.pool.Worker", refuse)
        time.sleep(1.0)
    assert len(tries) <= 6
    assert all(source is SOURCE for source in tries)
    assert until(lambda: len(eager.pids()) == 1, LONG)


def test_a_pool_is_warmed_up_ahead_of_the_first_run(pool: ProcessPool) -> None:
    pool.warm_up(SOURCE)
    assert until(lambda: len(pool.pids()) == 1, LONG)
    pool.warm_up(SOURCE)
    worker = pool.lease(SOURCE, nothing)
    assert pool.pids() == [worker.pid]
    worker.wait_ready(nothing)
    pool.stop()


# --- scripts of any kind --------------------------------------------------------------------------


def test_it_works_from_stdin() -> None:
    done = python("-", input=RUNS)
    assert done.stdout == "{'1': 3}\n", done.stderr


def test_it_works_from_a_script_without_a_main_guard(tmp_path: Path) -> None:
    (tmp_path / "random.py").write_text("raise ImportError('not the random you look for')\n")
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "script.py").write_text(RUNS)
    done = python("work/script.py", cwd=tmp_path)
    assert done.stdout == "{'1': 3}\n", done.stderr


def test_what_a_backend_prints_is_printed() -> None:
    program = HEAD + (
        "from simquay.simulators import adapt\n"
        "sys.path.insert(0, {helpers!r})\n"
        "from tests.support.foreign_backends import Foreign, chatty\n"
        "print(adapt(Foreign(chatty), isolation='process').run(flip()).result(60).success)\n"
    )
    done = python("-c", program.replace("{helpers!r}", repr(str(ROOT))))
    assert sorted(done.stdout.split()) == ["True", "chatter"], done.stderr


def test_what_only_a_script_defines_runs_in_a_thread() -> None:
    program = HEAD + (
        "from qiskit.providers.basic_provider import BasicSimulator\n"
        "from simquay.simulators import adapt\n"
        "class Mine(BasicSimulator):\n"
        "    pass\n"
        "mine = adapt(Mine())\n"
        "print(mine.isolation, mine.run(flip(), shots=3).result(60).get_counts())\n"
        "try:\n"
        "    adapt(Mine(), isolation='process')\n"
        "except ValueError as error:\n"
        "    print('Mine is defined in __main__' in str(error))\n"
    )
    done = python("-c", program)
    assert done.stdout == "thread {'1': 3}\nTrue\n", done.stderr


# --- ends -----------------------------------------------------------------------------------------


def lines(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout is not None
    return process.stdout.readline().split()


@pytest.mark.parametrize("end", ["exit", "kill", "os._exit"])
def test_j40_no_worker_outlives_its_process(end: str) -> None:
    program = HEAD + (
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
    try:
        pids = [int(word) for word in lines(process)]
        assert len(pids) >= 2  # a spare one as well, where starting took long
        left = time.monotonic()
        if end == "kill":
            process.kill()
        _, errors = process.communicate("\n", timeout=60)  # the pipes' end: nobody holds them
        assert gone(*pids)
        if end == "exit":
            assert (process.returncode, errors) == (0, "")
            assert time.monotonic() - left < 10  # far above what it takes, on a busy machine
    finally:
        process.kill()
        process.communicate()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_j34_parent_and_child_run_after_a_fork() -> None:
    program = HEAD + (
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


def test_j38_ctrl_c_leaves_the_job_going() -> None:
    program = HEAD + (
        "import signal, threading\n"
        "job = running(backend.run(endless()))\n"
        "threading.Timer(0.2, lambda: os.killpg(0, signal.SIGINT)).start()\n"
        "try:\n"
        "    job.result()\n"
        "except KeyboardInterrupt:\n"
        "    print('heard')\n"
        "time.sleep(0.3)\n"
        "print(job.status().name, job.cancel())\n"
    )
    done = python("-c", program, start_new_session=True)
    assert done.stdout == "heard\nRUNNING True\n", done.stderr
