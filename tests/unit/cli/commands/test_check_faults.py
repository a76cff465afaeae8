"""``simquay check --faults``."""

from __future__ import annotations

import os
from typing import Any

import pytest

from simquay.testing import CheckFailed, faults
from simquay.testing.faults import Fault, Trial


@pytest.fixture
def trials(monkeypatch: pytest.MonkeyPatch) -> list[Trial]:
    """The trials that the command finds."""
    found = [Trial(Fault("open", 1), tries=1, state="DONE")]
    planned = [one.fault for one in found]
    monkeypatch.setattr(faults, "start_trials", lambda name: (planned, iter(found)))
    return found


def test_all_promises_are_kept(cli: Any, trials: list[Trial]) -> None:
    called = cli("check", "reference", "--faults")
    assert (called.code, called.err) == (0, "")
    _, *rows, total = called.out.splitlines()
    assert [row.split()[:2] for row in rows] == [[f"F{k:02}", "kept"] for k in range(1, 11)]
    assert total == "reference: 10 of 10 other checks"


def test_a_broken_promise(cli: Any, trials: list[Trial]) -> None:
    trials.append(Trial(Fault("open", 2), tries=1, state="ERROR", reason=""))
    called = cli("check", "reference", "--faults", "--only", "F02,F03")
    assert called.code == 1
    assert "open 2: no reason is given" in called.out
    assert called.out.splitlines()[-1] == "reference: 1 of 2 other checks"
    assert cli("check", "reference", "--faults", "--expect", "F02").code == 0


def test_a_backend_that_does_not_run(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def start_trials(name: str) -> None:
        raise CheckFailed("without a fault, a job fails")

    monkeypatch.setattr(faults, "start_trials", start_trials)
    called = cli("check", "reference", "--faults")
    assert called.code == 1
    assert "without a fault, a job fails" in called.err


def test_two_kinds_of_checks_at_once(cli: Any) -> None:
    called = cli("check", "reference", "--faults", "--engine")
    assert called.code == 2
    assert "--engine and --faults" in called.err


@pytest.mark.long
@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot fork here")
def test_a_real_backend(cli: Any) -> None:
    assert cli("check", "numpy", "--faults").code == 0
