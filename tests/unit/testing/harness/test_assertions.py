"""Assertions of checks, and calls with a timeout."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from qiskit.providers import JobStatus

from simquay.testing import CheckFailed
from simquay.testing.harness.assertions import (
    call_with_timeout,
    exception_of,
    in_thread,
    raises,
    require,
    require_equal,
    returns,
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


@pytest.mark.parametrize(
    ("found", "expected", "said"),
    [
        ({"0": 1}, {"0": 2}, r"it is {'0': 1}; expected {'0': 2}"),
        (1, True, "it is 1; expected True"),
        (0, None, "it is 0; expected None"),
        (JobStatus.DONE, JobStatus.ERROR, "it is JobStatus.DONE; expected JobStatus.ERROR"),
    ],
)
def test_values_that_differ_are_both_told(found: object, expected: object, said: str) -> None:
    for one in (found, expected):
        require_equal(one, one, "it")
    with pytest.raises(CheckFailed, match=f"^{said}$"):
        require_equal(found, expected, "it")


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


def test_a_call_in_a_thread_is_awaited_by_its_future(hang: threading.Event) -> None:
    future = in_thread(hang.wait)
    assert not future.done()
    hang.set()
    assert future.result(60) is True
    assert isinstance(in_thread(fail).exception(60), Both)


def test_a_call_must_return() -> None:
    assert returns(lambda: 1, "it") == 1
    with pytest.raises(CheckFailed, match=r"^it raised Both: 'both'$"):
        returns(fail, "it")


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
