"""JobStore where something is in the way: other processes, no space, no permission, damage."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from qiskit.providers import JobStatus

from simquay.jobs.errors import JobStoreError
from simquay.jobs.store.store import JobStore
from tests.support.job_doubles import LONG, a_result
from tests.support.kept_jobs import another_process, kept

NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks")


@pytest.fixture
def store(tmp_path: Path) -> JobStore:
    return JobStore(tmp_path / "store")


CHILDREN = """
def in_children(number, work):
    start, go = os.pipe()  # closed by the parent when all are there
    children = []
    for _ in range(number):
        if child := os.fork():
            children.append(child)
            continue
        code = 1
        try:
            os.close(go)
            os.read(start, 1)
            work()
            code = 0
        finally:
            os._exit(code)
    os.close(go)
    return [os.waitpid(child, 0)[1] for child in children]
"""


@pytest.mark.slow
@forks
def test_eight_processes_make_a_store_and_write_at_once(store: JobStore) -> None:
    code = """
def work():
    for _ in range(25):
        job = kept(store)
        store.set_status(job, JobStatus.RUNNING, at=now)
        store.task_ended(job, 0, b"x")
        store.set_result(job, a_result())
        store.set_status(job, JobStatus.DONE, at=now)
        store.list(limit=3)
print(in_children(8, work))
"""
    assert another_process(CHILDREN + code, store) == f"{[0] * 8}\n"
    jobs = store.list()
    assert [one.status for one in jobs] == [JobStatus.DONE] * 200
    assert len({one.owner for one in jobs}) == 8
    assert all(store.result(one.id).job_id == "x" for one in jobs)


@pytest.mark.slow
@forks
def test_a_child_goes_on_with_the_store_of_its_parent(store: JobStore) -> None:
    code = """
before = running()
def work():
    assert store.facts(before).status is JobStatus.RUNNING  # its parent lives
    job = kept(store)
    assert store.facts(job).owner != store.facts(before).owner
    store.set_status(before, JobStatus.DONE, at=now)  # it is not the child's
    store.set_status(job, JobStatus.CANCELLED, at=now)
print(in_children(3, work))
assert store.facts(before).status is JobStatus.RUNNING
"""
    assert another_process(CHILDREN + code, store).endswith(f"{[0] * 3}\n")
    assert [one.status.name for one in store.list()] == ["CANCELLED"] * 3 + ["ERROR"]


@forks
@pytest.mark.slow
def test_whenever_a_process_is_killed_the_store_is_whole(store: JobStore) -> None:
    code = """
import random, time
def work():
    while True:
        job = kept(store)
        store.set_status(job, JobStatus.RUNNING, at=now)
        store.set_result(job, a_result(x=[1.5] * 1000))
        store.set_status(job, JobStatus.DONE, at=now)
children = []
for _ in range(40):
    child = os.fork()
    if not child:
        work()
    time.sleep(random.uniform(0.02, 0.1))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
"""
    another_process(CHILDREN + code, store)
    jobs = store.list()
    assert len(jobs) > 40
    assert {one.status for one in jobs} <= {JobStatus.DONE, JobStatus.ERROR}
    for one in jobs:
        if one.status is JobStatus.DONE:
            assert store.result(one.id).x == [1.5] * 1000
        else:
            assert "ended before the job did" in str(one.error)
    plain = sqlite3.connect(store.folder / "jobs.sqlite")
    assert plain.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    plain.close()


@pytest.mark.parametrize("name", ["jobs.sqlite", "owners", "jobs"])
def test_a_store_that_is_damaged_is_one_error(store: JobStore, name: str) -> None:
    """A file is not what it was, or something else has its name."""
    path = store.folder / name
    store.folder.mkdir()
    path.write_bytes(b"nothing of the sort" * 100)
    with pytest.raises((JobStoreError, OSError), match=f"{name}"):
        kept(store)


@pytest.mark.parametrize("content", ["{", "[1]"])
@pytest.mark.parametrize("column", ["status", "created", "tags", "metadata", "versions"])
def test_a_damaged_row_is_an_error(store: JobStore, column: str, content: str) -> None:
    if (column, content) == ("tags", "[1]"):
        content = "1"
    kept(store)
    store._database.write(f"UPDATE jobs SET {column} = ?", (content,))
    with pytest.raises(JobStoreError, match=r"jobs\.sqlite is damaged"):
        store.list()


def test_a_job_that_could_not_be_created_leaves_nothing(store: JobStore) -> None:
    store.folder.mkdir()
    (store.folder / "jobs.sqlite").write_bytes(b"damaged" * 1000)
    with pytest.raises(JobStoreError, match=r"is damaged .*move it away"):
        kept(store)
    assert not [*(store.folder / "jobs").iterdir()]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no limit of sizes")
def test_a_full_disk_is_one_error_and_harms_no_other_job(store: JobStore) -> None:
    before = kept(store)
    code = """
import resource
job = running()
resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
for call in (
    lambda: kept(store),
    lambda: store.set_result(job, a_result()),
    lambda: store.task_ended(job, 0, b"x"),
    lambda: store.set_status(job, JobStatus.DONE, at=now),
):
    try:
        call()
    except (OSError, JobStoreError) as error:
        print(type(error).__name__)
assert store.facts(job).status is JobStatus.RUNNING
"""
    head = "from simquay.jobs.errors import JobStoreError\n"
    lines = another_process(head + code, store).split()
    assert lines[1:] == ["OSError", "OSError", "OSError", "JobStoreError"]
    assert store.facts(before).status is JobStatus.QUEUED
    assert len(store.list()) == 2
    assert not [*store.folder.glob("jobs/*/.*")]


AS_NOBODY = """
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
"""


@pytest.fixture
def seen_by_nobody() -> Iterator[Path]:
    """A folder that any user can reach."""
    folder = Path(f"/tmp/simquay-test-{os.getpid()}-{time.monotonic_ns()}")
    folder.mkdir(mode=0o755)
    yield folder
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755)
    shutil.rmtree(folder)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="other permissions")
@pytest.mark.parametrize("dead", [True, False])
def test_a_folder_that_cannot_be_written_is_read(seen_by_nobody: Path, dead: bool) -> None:
    store = JobStore(seen_by_nobody)
    code = "job = running(); store.set_result(job, a_result()); running()"
    another_process(f"{code}; die()" if dead else code, store)
    for path in [store.folder, *store.folder.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    read = """
jobs = store.list()
print([one.status.name for one in jobs], store.result(jobs[1].id).job_id)
try:
    kept(store)
except (OSError, JobStoreError) as error:
    print(type(error).__name__)
"""
    head = "from simquay.jobs.errors import JobStoreError\n"
    out = another_process(head + AS_NOBODY + read, store)
    assert out == "['ERROR', 'DONE'] x\nPermissionError\n"
    assert not [*store.folder.glob("jobs/*/.*")]


@pytest.mark.slow
def test_what_dead_processes_leave_is_pruned(store: JobStore) -> None:
    job = kept(store)
    another_process("running(); die()", store)
    old, young = (store.folder / "jobs" / name for name in ("old", "young"))
    for folder in (old, young):
        folder.mkdir()
    (dead,) = {*(store.folder / "owners").iterdir()} - {store.folder / "owners" / store.own_name()}
    long_ago = time.time() - 2 * 86400
    for path in (old, dead, store.folder / "owners" / store.own_name()):
        os.utime(path, (long_ago, long_ago))
    assert store.prune(timedelta(days=1))[0] == 0
    assert not old.exists()
    assert not dead.exists()
    assert young.exists()
    assert store.facts(job).status is JobStatus.QUEUED


def test_who_ends_a_job_and_dies_at_once_is_believed(
    store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process writes the end after the row was read, and dies before its lock is tried."""
    job = kept(store)

    def end_and_die(folder: Path, owner: str) -> bool:
        store.set_status(job, JobStatus.ERROR, at=NOW, error="as it was")
        return False

    monkeypatch.setattr("simquay.jobs.store.store.is_alive", end_and_die)
    facts = store.facts(job)
    assert (facts.status, facts.error, facts.ended) == (JobStatus.ERROR, "as it was", NOW)


def test_no_one_writes_for_ever(store: JobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program that keeps the database locked costs its patience, and one error."""
    job = kept(store)
    monkeypatch.setattr("simquay.jobs.store.database.PATIENCE", 0.05)
    again = JobStore(store.folder)
    other = sqlite3.connect(store.folder / "jobs.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(JobStoreError, match=r"cannot be written .*locked"):
        again.set_status(job, JobStatus.DONE, at=NOW)
    assert again.facts(job).status is JobStatus.QUEUED  # readers do not wait
    other.close()
    again.set_status(job, JobStatus.DONE, at=NOW)
    again.set_result(job, a_result())
    assert again.facts(job).status is JobStatus.DONE


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers")
def test_a_signal_handler_writes_at_any_moment(tmp_path: Path) -> None:
    """As one does that cancels a job, whatever statement of this thread it interrupts."""
    store = JobStore(tmp_path)
    written: list[str] = []

    def write(*_: object) -> None:
        job = kept(store)
        store.set_status(job, JobStatus.CANCELLED, at=NOW)
        written.append(job)

    before = signal.signal(signal.SIGALRM, write)
    ended: list[str] = []
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
        end = time.monotonic() + LONG
        while len(written) < 50 and time.monotonic() < end:
            store = JobStore(tmp_path)  # its connection is opened anew, so handlers interrupt that
            ended.append(kept(store))
            store.set_status(ended[-1], JobStatus.DONE, at=NOW)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert len(written) >= 50
    found = {one.id: one.status for one in store.list()}
    assert found == {
        **dict.fromkeys(written, JobStatus.CANCELLED),
        **dict.fromkeys(ended, JobStatus.DONE),
    }


@forks
@pytest.mark.slow
def test_a_process_forks_while_its_threads_write(store: JobStore) -> None:
    code = """
import threading
over = threading.Event()
def write():
    while not over.is_set():
        job = kept(store)
        store.set_status(job, JobStatus.DONE, at=now)
threads = [threading.Thread(target=write) for _ in range(3)]
for thread in threads:
    thread.start()
def work():
    job = kept(store)
    store.set_result(job, a_result())
    store.set_status(job, JobStatus.DONE, at=now)
codes = [in_children(1, work) for _ in range(30)]
over.set()
for thread in threads:
    thread.join()
print(codes == [[0]] * 30)
"""
    quiet = "import warnings; warnings.simplefilter('ignore')\n"
    assert another_process(quiet + CHILDREN + code, store) == "True\n"
    jobs = store.list()
    assert len(jobs) > 30
    assert {one.status for one in jobs} == {JobStatus.DONE}
