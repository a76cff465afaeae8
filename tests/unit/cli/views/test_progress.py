"""Progress bars: on a terminal alone, and not for short work; Ctrl-C cancels the job."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from qiskit import QuantumCircuit, qpy
from qiskit.providers import JobTimeoutError

from simquay.cli.views import progress

SIMQUAY = (sys.executable, "-m", "simquay")

posix = pytest.mark.skipif(
    sys.platform == "win32", reason="signals and pseudo-terminals are POSIX's"
)


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    """A circuit that runs until somebody stops it."""
    circuit = QuantumCircuit(12, 1)
    circuit.h(range(12))
    with circuit.while_loop((circuit.clbits[0], 0)):
        circuit.x(0)
        circuit.t(1)
        circuit.x(0)
    circuit.measure(0, 0)
    path = tmp_path / "endless.qpy"
    with path.open("wb") as file:
        qpy.dump(circuit, file)
    return path


def read_terminal(master: int) -> str:
    """The output on a pseudo-terminal since the last call, after a wait of 0.1 s."""
    time.sleep(0.1)
    os.set_blocking(master, False)
    try:
        return os.read(master, 1 << 16).decode()
    except (BlockingIOError, OSError):  # nothing yet, or (Linux) the other end is closed
        return ""


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[Any]]]:
    """Processes that a test started: they end with it, also where it fails."""
    processes: list[subprocess.Popen[Any]] = []
    yield processes
    for process in processes:
        process.kill()
        process.wait()


@pytest.mark.slow
@posix
def test_a_long_run_shows_progress_on_a_terminal_and_ctrl_c_stops_it(
    endless: Path, started: list[subprocess.Popen[Any]]
) -> None:
    import pty

    master, slave = pty.openpty()
    process = subprocess.Popen(
        [*SIMQUAY, "run", str(endless), "--json"],
        stdout=subprocess.PIPE,
        stderr=slave,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "80"},
    )
    started.append(process)
    os.close(slave)
    seen = ""
    deadline = time.monotonic() + 60
    while "endless.qpy on " not in seen:
        assert time.monotonic() < deadline, f"no progress bar appeared: {seen!r}"
        assert process.poll() is None, seen
        seen += read_terminal(master)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    seen += read_terminal(master)
    os.close(master)
    assert process.returncode == 130
    assert out == b""
    assert seen.rstrip().splitlines()[-1].endswith("simquay: error: interrupted")
    assert "Traceback" not in seen


@pytest.mark.slow
@posix
def test_a_long_run_says_nothing_where_nobody_watches(
    endless: Path, started: list[subprocess.Popen[Any]]
) -> None:
    process = subprocess.Popen(
        [*SIMQUAY, "run", str(endless)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    started.append(process)
    # Its imports take a second or two of processor time, a bar would come a second later.
    watched = psutil.Process(process.pid)
    deadline = time.monotonic() + 120
    while watched.cpu_times().user < 6 and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (130, "", "simquay: error: interrupted\n")


@pytest.mark.slow
@posix
def test_a_short_run_shows_no_progress_on_a_terminal(bell: Path) -> None:
    import pty

    master, slave = pty.openpty()
    done = subprocess.run(
        [*SIMQUAY, "run", str(bell), "--json"], stdout=subprocess.PIPE, stderr=slave, check=True
    )
    os.close(slave)
    seen = read_terminal(master)
    os.close(master)
    assert seen == ""
    assert b'"counts"' in done.stdout


class Job:
    """A job that is interrupted while somebody waits for it without a limit."""

    def __init__(self) -> None:
        self.cancelled = False

    def wait_for_final_state(self, timeout: float | None = None) -> None:
        if timeout is not None:
            raise JobTimeoutError("not yet")
        raise KeyboardInterrupt

    def cancel(self) -> None:
        self.cancelled = True


def test_ctrl_c_cancels_the_job_and_goes_on_to_the_caller() -> None:
    job = Job()
    with pytest.raises(KeyboardInterrupt):
        progress.wait(job, "label")
    assert job.cancelled


@pytest.mark.parametrize("terminal", [False, True])
def test_tracked_items_pass_in_order_with_a_bar_on_a_terminal(
    terminal: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    monkeypatch.setenv("TERM", "xterm")
    assert list(progress.track(iter("abc"), "checking", total=3)) == ["a", "b", "c"]
    out, err = capsys.readouterr()
    assert out == ""
    assert ("checking" in err) is terminal
