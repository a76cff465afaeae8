"""Kept jobs (J42): killed processes, many writers, and stores that cannot be written or read."""

from __future__ import annotations

import os
import random
import select
import shutil
import sqlite3
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import pytest
from qiskit import QuantumCircuit
from qiskit.providers import JobStatus

import simquay
from simquay.errors import SimquayWarning
from simquay.jobs import recent
from simquay.jobs.errors import JobStoreError
from simquay.jobs.store.store import JobStore
from tests.support.job_doubles import LONG, until
from tests.support.paths import ROOT
from tests.support.processes import python

KILLS = [pytest.param(seed, marks=[pytest.mark.long] * (seed >= 4)) for seed in range(30)]
TASKS = 12


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> JobStore:
    """That of this process, which finds no earlier jobs of its own, and of those it starts."""
    monkeypatch.setattr(recent, "_recent", recent.RecentJobs(most=0))
    monkeypatch.setenv("SIMQUAY_JOB_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return JobStore.default()


def circuits() -> list[QuantumCircuit]:
    """Of a job that takes about a second; the last ones measure in the middle."""
    made = []
    for number in range(TASKS):
        circuit = QuantumCircuit(11, 3, name=f"layers {number}")
        for layer in range(60):
            for qubit in range(11):
                circuit.rx(0.1 + number + 0.7 * qubit + 0.3 * layer, qubit)
            circuit.cx(range(10), range(1, 11))
            if number > 8 and layer in (20, 40):
                circuit.measure(layer // 20, layer // 20)
        circuit.measure([0], [0])
        made.append(circuit)
    return made


def started(program: str) -> subprocess.Popen[str]:
    """A child whose program has printed its first line, which is an id."""
    head = "import simquay\nfrom tests.contract.test_kept_jobs import *\n"
    return subprocess.Popen(
        [sys.executable, "-c", head + program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def line_of(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    ready, _, _ = select.select([child.stdout], [], [], 3 * LONG)  # a busy machine imports slowly
    line = child.stdout.readline().strip() if ready else ""
    if not line:
        hangs = child.poll() is None
        child.kill()
        pytest.fail("the child hangs" if hangs else child.communicate()[1])
    return line


def kill(child: subprocess.Popen[str]) -> None:
    child.kill()  # SIGKILL
    child.communicate()


# --- killed processes -----------------------------------------------------------------------------

_SPLIT = """
backend = simquay.get_backend("numpy")
job = backend.run(
    circuits(), shots=200, seed_simulator=9, max_circuits_per_task=1, keep=True, tags=["kill"]
)
print(job.job_id(), flush=True)
job.result()
print("done", flush=True)
"""


@pytest.fixture(scope="module")
def undisturbed() -> tuple[Any, float]:
    """The counts of the job, and the seconds that it takes."""
    begin = time.perf_counter()
    job = simquay.get_backend("numpy").run(circuits(), shots=200, seed_simulator=9, keep=False)
    counts = job.result(LONG).get_counts()
    return counts, time.perf_counter() - begin


@pytest.mark.serial
@pytest.mark.skipif(sys.platform == "win32", reason="it needs SIGKILL and inodes")
@pytest.mark.parametrize("seed", KILLS)
def test_j42_a_killed_job_is_resumed_with_its_counts(
    seed: int, store: JobStore, undisturbed: tuple[Any, float]
) -> None:
    counts, seconds = undisturbed
    child = started(_SPLIT)
    job_id = line_of(child)
    # No event to wait for: any moment is to be hit.
    time.sleep(random.Random(seed).uniform(0, seconds))
    kill(child)
    files = store.folder / "jobs" / job_id / "tasks"
    before = {path.name: path.stat() for path in files.glob("[0-9]*.bin")}

    (job,) = simquay.jobs(limit=None, tags=["kill"])
    assert job.job_id() == job_id
    if job.status() is not JobStatus.DONE:
        assert job.status() is JobStatus.ERROR
        assert f"process {child.pid} on " in str(job.error_message())
        assert len(before) <= TASKS
        job = job.resume()
        assert job.job_id() == job_id
    assert job.result(LONG).get_counts() == counts
    for name, stat in before.items():  # a task that runs again writes its file again
        again = (files / name).stat()
        assert (again.st_ino, again.st_mtime_ns) == (stat.st_ino, stat.st_mtime_ns)
    ran = {one["pid"] for one in job.result().metadata["tasks"]}
    assert ran <= {child.pid, os.getpid()}
    assert simquay.job(job_id).result(LONG).get_counts() == counts
    assert store.facts(job_id).status is JobStatus.DONE


_LOOP = """
backend = simquay.get_backend("numpy")
circuit = circuits()[0]
print("ready", flush=True)
while True:
    backend.run(circuit, shots=5, seed_simulator=9, keep=True).result()
"""


@pytest.mark.serial
@pytest.mark.skipif(sys.platform == "win32", reason="it needs SIGKILL")
@pytest.mark.parametrize("seed", KILLS[2:])
def test_j42_every_job_that_is_found_after_a_kill_is_whole(seed: int, store: JobStore) -> None:
    """Killed while jobs are made: what is there has all that it needs."""
    backend = simquay.get_backend("numpy")
    expected = backend.run(circuits()[0], shots=5, seed_simulator=9, keep=False).result(LONG)
    child = started(_LOOP)
    line_of(child)
    time.sleep(random.Random(seed).uniform(0, 0.5))
    kill(child)
    for job in simquay.jobs(limit=None):
        assert job.status() in (JobStatus.DONE, JobStatus.ERROR)
        assert job.circuits() == circuits()[:1]
        assert job.resume().result(LONG).get_counts() == expected.get_counts()


_TWICE = """
import sys
from simquay.jobs.errors import JobStateError
print("ready", flush=True)
sys.stdin.readline()
try:
    print("resumed", simquay.job({job_id!r}).resume().result(60).get_counts() == {counts!r})
except JobStateError as error:
    print("refused", str(error).replace("\\n", " "))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="it needs SIGKILL")
@pytest.mark.serial
def test_j42_two_processes_that_resume_at_once_run_it_once(
    store: JobStore, undisturbed: tuple[Any, float]
) -> None:
    counts, _ = undisturbed
    child = started(_SPLIT)
    job_id = line_of(child)
    kill(child)
    assert store.facts(job_id).status is JobStatus.ERROR
    program = "from tests.contract.test_kept_jobs import *\nimport simquay\n" + _TWICE.format(
        job_id=job_id, counts=counts
    )
    others = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for one in others:
        assert line_of(one) == "ready"
    said = sorted(one.communicate("\n", timeout=LONG) for one in others)
    assert [errors for _, errors in said] == ["", ""]
    (refused, _), (resumed, _) = said
    # The second may also come when the job is done: then it has the result, and nothing runs.
    assert resumed == "resumed True\n"
    assert refused == resumed or refused.startswith("refused ")
    assert store.facts(job_id).resumed == 1


# --- many writers ---------------------------------------------------------------------------------

_MANY = """
from qiskit import QuantumCircuit
circuit = QuantumCircuit(1, 1)
circuit.x(0)
circuit.measure(0, 0)
backend = simquay.get_backend("numpy")
jobs = [backend.run(circuit, shots=7, keep=True, tags=["{number}"]) for _ in range({count})]
assert all(job.result(60).get_counts() == {{"1": 7}} and job.kept for job in jobs)
print(*[job.job_id() for job in jobs])
"""


@pytest.mark.serial
@pytest.mark.parametrize(
    ("processes", "count"),
    [
        (2, 60),
        pytest.param(2, 500, marks=pytest.mark.long),
        pytest.param(8, 125, marks=pytest.mark.long),
    ],
)
def test_j42_jobs_that_processes_write_at_once_are_all_found(
    processes: int, count: int, store: JobStore
) -> None:
    children = [started(_MANY.format(number=number, count=count)) for number in range(processes)]
    said = [child.communicate(timeout=3 * LONG) for child in children]
    assert {errors for _, errors in said} == {""}
    ids = {job_id for output, _ in said for job_id in output.split()}
    assert len(ids) == processes * count
    found = simquay.jobs(limit=None)
    assert {job.job_id() for job in found} == ids
    assert {job.status() for job in found} == {JobStatus.DONE}
    assert len(simquay.jobs(limit=None, tags=["1"])) == count
    assert found[0].result().get_counts() == {"1": 7}
    times = [job.created for job in found]
    assert times == sorted(times, reverse=True)


# --- a store that refuses -------------------------------------------------------------------------


def flip() -> QuantumCircuit:
    circuit = QuantumCircuit(2, 2)
    circuit.x(0)
    circuit.measure([0, 1], [0, 1])
    return circuit


def runs_unkept(words: str) -> None:
    """A job runs unharmed, with one warning, which has these words."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        job = simquay.get_backend("numpy").run(flip(), shots=9, keep=True)
        assert job.result(LONG).get_counts() == {"01": 9}
    (only,) = heard
    assert issubclass(only.category, SimquayWarning)
    assert words in str(only.message)
    assert job.status() is JobStatus.DONE
    assert not job.kept


_FULL = """
import resource, signal
simquay.get_backend("numpy").run(flip()).result()
{before}
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({most}, {most}))
runs_unkept("is not kept")
print("unharmed")
"""


_FIRST = "simquay.get_backend('numpy').run(flip(), keep=True).result()"


@pytest.mark.skipif(sys.platform == "win32", reason="it limits the size of files")
@pytest.mark.parametrize("before", ["", _FIRST], ids=["a new store", "a store"])
@pytest.mark.parametrize("most", [0, 500, 5000])
def test_j42_a_full_disk_is_one_warning(most: int, before: str, store: JobStore) -> None:
    program = "import simquay\nfrom tests.contract.test_kept_jobs import *\n"
    done = python("-c", program + _FULL.format(most=most, before=before))
    assert (done.stdout, done.returncode) == ("unharmed\n", 0), done.stderr


def test_j42_a_folder_that_cannot_be_made_is_one_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("SIMQUAY_JOB_STORE", str(tmp_path / "file" / "store"))
    runs_unkept("file")


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="permissions do not bind this user"
)
def test_j42_a_read_only_folder_is_one_warning(store: JobStore) -> None:
    store.folder.mkdir(parents=True)
    store.folder.chmod(0o500)
    try:
        runs_unkept(str(store.folder))
    finally:
        store.folder.chmod(0o700)


def _damage(path: Path) -> None:
    for one in path.parent.glob("jobs.sqlite*"):
        one.write_bytes(b"no database" * 999)


def _make_newer(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 2")
    connection.close()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [(_damage, "not a database"), (_make_newer, "newer")],
    ids=["damaged", "newer"],
)
def test_j42_a_store_that_cannot_be_used_is_one_warning_or_error(
    spoil: Any, words: str, store: JobStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = simquay.get_backend("numpy").run(flip(), keep=True)
    job.result(LONG)
    other = tmp_path / "other"
    store.folder.rename(other)
    spoil(other / "jobs.sqlite")
    monkeypatch.setenv("SIMQUAY_JOB_STORE", str(other))
    for read in (lambda: simquay.jobs(limit=None), lambda: simquay.job("0123456789abcdef")):
        with pytest.raises(JobStoreError, match=words):
            read()
    assert simquay.job(job.job_id()) is job  # a live job needs no store
    runs_unkept(words)


@pytest.mark.skipif(sys.platform == "win32", reason="files that are open cannot be removed there")
def test_j42_a_store_that_was_removed_is_made_again(store: JobStore) -> None:
    backend = simquay.get_backend("numpy")
    backend.run(flip(), keep=True).result(LONG)
    shutil.rmtree(store.folder)
    assert simquay.jobs(limit=None, tags=["none"]) == []
    job = backend.run(flip(), shots=9, keep=True)
    assert job.result(LONG).get_counts() == {"01": 9}
    assert job.kept
    said = python(
        "-c", f"import simquay; print(simquay.job({job.job_id()!r}).result().get_counts())"
    )
    assert said.stdout == "{'01': 9}\n", said.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="files that are open cannot be removed there")
@pytest.mark.parametrize("tasks", [None, 1])
def test_j42_a_job_whose_store_is_removed_goes_on_unkept(
    tasks: int | None, store: JobStore
) -> None:
    backend = simquay.get_backend("numpy")
    job = backend.run(circuits(), shots=5, keep=True, max_circuits_per_task=tasks)
    assert until(lambda: job.status() is not JobStatus.QUEUED)
    shutil.rmtree(store.folder)
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        assert len(job.result(LONG).results) == TASKS
    assert not job.kept
    assert simquay.jobs(limit=None, status="RUNNING") == []
