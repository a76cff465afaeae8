"""The part of a check that runs in a child process, on the backend ``numpy``."""

from __future__ import annotations

import os

import pytest

import simquay
from simquay.testing import CheckContext, CheckFailed

pytestmark = [pytest.mark.slow, pytest.mark.serial]


@pytest.mark.parametrize("factory", [None, "simquay:get_backend"])
def test_an_exit_is_timed(factory: str | None) -> None:
    context = CheckContext(simquay.get_backend("numpy"), factory=factory)
    answer = context.run_child("exit", jobs=2)
    assert (answer["exit_code"], answer["lost"]) == (0, 2)
    assert answer["leaving"] < answer["ended"] < answer["leaving"] + 60


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_fork() -> None:
    assert CheckContext(simquay.get_backend("numpy")).run_child("fork")["ok"] is True


def test_an_interrupt_is_timed() -> None:
    context = CheckContext(simquay.get_backend("numpy"))
    assert 0 <= context.run_child("interrupt", call="result")["seconds"] < 60


def test_a_backend_that_cannot_be_made_is_told() -> None:
    context = CheckContext(simquay.get_backend("numpy"), name="no-such-backend")
    with pytest.raises(CheckFailed, match=r"(?s)\(exit\) failed: .*no-such-backend"):
        context.run_child("exit", jobs=0)


def test_a_child_that_does_not_end_is_killed() -> None:
    context = CheckContext(simquay.get_backend("numpy"))
    assert context.calibration.seconds > 0  # measured before the time counts
    with pytest.raises(CheckFailed, match=r"^a child process \(exit\) did not end in 0.01 s$"):
        context.run_child("exit", jobs=0, seconds=0.01)
