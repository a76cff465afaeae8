"""Calling the command line in this process, and circuits in files."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from simquay.cli.main import main
from simquay.jobs import recent
from simquay.jobs.store.store import JobStore

BELL = """OPENQASM 3.0;
include "stdgates.inc";
qubit[2] q;
bit[2] c;
h q[0];
cx q[0], q[1];
c = measure q;
"""


@pytest.fixture(autouse=True)
def _one_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a test names none, whatever plugins are installed: one may have to compile first."""
    monkeypatch.setenv("SIMQUAY_BACKEND", "numpy")


@dataclass(frozen=True)
class Called:
    """The exit code and the output of one call of the command line."""

    code: int
    out: str
    err: str

    def assert_fails(self, code: int, *parts: str) -> None:
        """One line of error that has each of ``parts``, nothing on stdout."""
        assert self.code == code
        assert self.out == ""
        assert self.err.startswith("simquay: error: ")
        assert self.err.endswith("\n")
        assert self.err.count("\n") == 1
        for part in parts:
            assert part in self.err


Cli = Callable[..., Called]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """``simquay`` with these arguments, in this process."""
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)  # put back afterwards

    def call(*arguments: object) -> Called:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Called(code, captured.out, captured.err)

    return call


@pytest.fixture
def bell(tmp_path: Path) -> Path:
    """A circuit file: two qubits that agree."""
    path = tmp_path / "bell.qasm"
    path.write_text(BELL)
    return path


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> JobStore:
    """That of the command line, which shows 80 columns; jobs are found in no other way."""
    monkeypatch.setenv("SIMQUAY_JOB_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(recent, "_recent", recent.RecentJobs(most=0))
    return JobStore.default()
