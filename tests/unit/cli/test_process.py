"""The command as a process: Ctrl-C, broken pipes, and a progress bar for those who watch."""

from __future__ import annotations

import json
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

SIMQUAY = (sys.executable, "-m", "simquay")

pytestmark = pytest.mark.skipif(
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
    """What was written to a pseudo-terminal since the last call; waits up to a moment for it."""
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


@pytest.mark.parametrize("arguments", [("doctor",), ("backends", "--json")])
def test_a_reader_who_stops_reading_ends_the_command_quietly(arguments: tuple[str, ...]) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([*SIMQUAY, *arguments], stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


def test_a_name_that_the_terminal_cannot_show_does_no_harm(tmp_path: Path) -> None:
    circuit = QuantumCircuit(1, 1, name="état ψ")
    circuit.measure(0, 0)
    path = tmp_path / "named.qpy"
    with path.open("wb") as file:
        qpy.dump(circuit, file)
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}

    def output(*options: str) -> str:
        command = [*SIMQUAY, "run", str(path), *options]
        done = subprocess.run(command, capture_output=True, env=environment, check=True)
        return done.stdout.decode("ascii")

    assert output().startswith("?tat ?: 1 qubit")
    assert json.loads(output("--json"))["circuits"][0]["name"] == "état ψ"


def test_output_into_a_pipe_is_not_wrapped_or_coloured() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    done = subprocess.run(
        [*SIMQUAY, "backends"], capture_output=True, text=True, check=True, env=environment
    )
    assert "\x1b" not in done.stdout
    (reference,) = [line for line in done.stdout.splitlines() if line.startswith("reference")]
    assert reference.endswith("checked with")
