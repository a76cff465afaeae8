"""Assertions of checks, and calls with a timeout."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from simquay.testing import CheckFailed
from simquay.testing.harness.assertions import (
    call_with_timeout,
    exception_of,
    raises,
    require,
    wait_until,
)


class Both(KeyError, OSError):
    """Two kinds of error."""


def fail() -> None:
    raise Both("both")


@pytest.fixture
def hang() -> Iterator[threading.Event]:
    """An event that is set at the end of the test."""
    event = threading.Event()
    yield event
    event.set()


def test_a_requirement_fails_with_its_text() -> None:
    require([0], "a list that is not empty is true")
    with pytest.raises(CheckFailed, match=r"^nothing$"):
        require([], "nothing")


def test_a_call_returns_and_raises_what_it_does() -> None:
    assert call_with_timeout(lambda: threading.current_thread() is threading.main_thread()) is False
    with pytest.raises(Both):
        call_with_timeout(fail)
    with pytest.raises(KeyboardInterrupt):
        call_with_timeout(interrupt)


def interrupt() -> None:
    raise KeyboardInterrupt


def test_a_call_that_hangs_fails_the_check(hang: threading.Event) -> None:
    for call in (call_with_timeout, exception_of):
        started = time.monotonic()
        with pytest.raises(CheckFailed, match=r"^the job did not return within 0.05 s$"):
            call(hang.wait, 0.05, "the job")
        assert time.monotonic() - started >= 0.05


def test_the_exception_of_a_call() -> None:
    assert isinstance(exception_of(fail), Both)
    assert exception_of(lambda: 1) is None


def test_an_exception_must_be_of_every_kind() -> None:
    assert isinstance(raises(fail, KeyError, OSError, what="it"), Both)
    with pytest.raises(CheckFailed, match=r"^it raised Both \('both'\); expected .*ValueError$"):
        raises(fail, KeyError, ValueError, what="it")
    with pytest.raises(CheckFailed, match=r"^it raised nothing; expected .* builtins.OSError$"):
        raises(lambda: 1, OSError, what="it")


def test_a_condition_is_awaited() -> None:
    answers = iter([False, 0, "", "yes"])
    assert wait_until(lambda: next(answers))
    started = time.monotonic()
    assert not wait_until(lambda: False, 0.05)
    assert time.monotonic() - started >= 0.05
