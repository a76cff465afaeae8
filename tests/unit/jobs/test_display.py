"""A running job in words and in HTML; watching one on a terminal and in a notebook."""

from __future__ import annotations

import sys
import time
from types import SimpleNamespace
from typing import Any

import pytest
from qiskit.providers import JobStatus, JobTimeoutError

import simquay
from simquay.jobs.base import BaseJob
from simquay.jobs.dispatch.queue_info import QueueInfo
from simquay.jobs.display import as_html, in_words


@pytest.mark.parametrize(
    ("status", "progress", "seconds", "words"),
    [
        (JobStatus.QUEUED, 0.0, 9.0, "QUEUED"),
        (JobStatus.RUNNING, 0.0, 9.0, "RUNNING"),
        (JobStatus.RUNNING, 0.25, 4.0, "RUNNING (25%, about 12 s left)"),
        (JobStatus.RUNNING, 0.1, 100.0, "RUNNING (10%, about 15 min left)"),
        (JobStatus.RUNNING, 0.01, 3600.0, "RUNNING (1%, about 99 h left)"),
        (JobStatus.DONE, 1.0, 9.0, "DONE"),
        (JobStatus.CANCELLED, 0.4, 9.0, "CANCELLED"),
    ],
)
def test_a_running_job_tells_how_much_is_done_and_the_time_left(
    status: JobStatus, progress: float, seconds: float, words: str
) -> None:
    assert in_words(status, progress, seconds) == words


def test_html_has_a_bar_and_escapes_what_others_wrote() -> None:
    job = Halfway(None, "<1>")
    job.submit()
    job._fail("no <b>")
    text = as_html(job, "RUNNING & so")
    assert "Halfway &lt;1&gt; on None" in text
    assert '<progress value="0.500" max="1">' in text
    assert "RUNNING &amp; so" in text
    assert "<pre>no &lt;b&gt;</pre>" in text
    assert "<pre>" not in as_html(Halfway(None), "QUEUED")


class Halfway(BaseJob):
    """A job that is half done after 10 s, and ends when it was looked at three times."""

    looks = 0

    def _start(self) -> None:
        self._began = time.perf_counter() - 10
        self._advance(JobStatus.RUNNING)

    def _stop(self, was: JobStatus) -> None:
        """There is no work."""

    def _release(self) -> None:
        """There is nothing to drop."""

    def _fraction(self) -> float:
        return 0.5

    def wait_for_final_state(self, timeout: Any = None, *more: Any) -> None:
        self.looks += 1
        if self.looks < 3:
            raise JobTimeoutError("not yet")
        self._fail("no <luck>")


@pytest.fixture
def running() -> Halfway:
    backend: Any = SimpleNamespace(name="numpy")
    job = Halfway(backend, "abc")
    job.submit()
    return job


def test_the_job_s_own_forms(running: Halfway) -> None:
    assert repr(running) == "<Halfway abc RUNNING (50%, about 10 s left) on numpy>"
    assert "Halfway abc on numpy" in running._repr_html_()
    assert "RUNNING (50%, about 10 s left)" in running._repr_html_()
    running._fail("no <luck>")
    assert repr(running) == "<Halfway abc ERROR on numpy>"
    assert "<pre>no &lt;luck&gt;</pre>" in running._repr_html_()


def stderr_is_a_terminal(monkeypatch: pytest.MonkeyPatch, terminal: bool = True) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    monkeypatch.setenv("TERM", "xterm")


@pytest.mark.parametrize("terminal", [False, True])
def test_watching_returns_the_final_job_with_a_bar_on_a_terminal(
    running: Halfway,
    terminal: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stderr_is_a_terminal(monkeypatch, terminal)
    running.looks = 0 if terminal else 2
    assert simquay.watch(running) is running
    assert running.in_final_state()
    out, err = capsys.readouterr()
    assert out == ""
    assert ("numpy" in err and "left:" in err) is terminal


def test_watching_a_job_without_a_backend_shows_its_id(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stderr_is_a_terminal(monkeypatch)
    job = Halfway(None, "abc")
    job.submit()
    simquay.watch(job)
    assert "abc" in capsys.readouterr().err


def test_watching_a_queued_job_says_once_what_it_waits_for(
    running: Halfway, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stderr_is_a_terminal(monkeypatch)
    monkeypatch.setattr(running, "queue_info", lambda: QueueInfo("worker", 3))
    assert "on numpy: waits for a worker, with 3 tasks before it>" in repr(running)
    assert "left): waits for a worker, with 3 tasks before it</div>" in running._repr_html_()
    simquay.watch(running)
    assert capsys.readouterr().err.count("numpy waits for a worker, with 3 tasks before it") == 1


def test_a_notebook_shows_the_job_anew(running: Halfway, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []

    class Handle:
        def update(self, job: Halfway) -> None:
            shown.append(job._repr_html_())

    def display(job: Halfway, display_id: bool) -> Handle:
        handle = Handle()
        handle.update(job)
        return handle

    kernel = SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=object()))
    monkeypatch.setitem(sys.modules, "IPython", kernel)
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=display))
    simquay.watch(running)
    assert ["RUNNING" in text for text in shown] == [True, True, True, False]
    assert "ERROR" in shown[-1]
