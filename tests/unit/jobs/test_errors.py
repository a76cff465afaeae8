"""The errors of jobs: their classes, their pickles, and errors that keep no frame alive."""

from __future__ import annotations

import itertools
import pickle
import traceback
from concurrent.futures import CancelledError
from dataclasses import dataclass

import pytest
from qiskit.providers import JobError
from qiskit.providers.exceptions import JobTimeoutError

from simquay.errors import SimquayError
from simquay.jobs.errors import (
    JobCancelledError,
    JobFailedError,
    JobStateError,
    JobTimedOutError,
    OriginalTraceback,
    described,
    detach,
    error_to_plain,
)
from tests.support.job_doubles import a_result

MESSAGE = 'it\'s "odd"\n'
ERRORS = [
    JobTimedOutError(MESSAGE),
    JobCancelledError(MESSAGE),
    JobStateError(MESSAGE),
    JobFailedError(MESSAGE, a_result()),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_every_error_is_qiskits_and_simquays_and_prints_its_message(error: Exception) -> None:
    assert isinstance(error, JobError)
    assert isinstance(error, SimquayError)
    assert str(error) == MESSAGE


def test_the_errors_of_a_wait_and_of_a_cancelled_job_are_pythons_as_well() -> None:
    assert issubclass(JobTimedOutError, JobTimeoutError)
    assert issubclass(JobTimedOutError, TimeoutError)
    assert issubclass(JobCancelledError, CancelledError)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_the_errors_pickle(error: Exception) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    if isinstance(error, JobFailedError):
        assert isinstance(again, JobFailedError)
        assert again.partial_result is not None
        assert again.partial_result.success


def caught() -> ValueError:
    try:
        try:
            raise KeyError("first")
        except KeyError as first:
            raise ValueError("second") from first
    except ValueError as error:
        return error


def test_a_detached_error_has_its_traceback_and_its_causes_as_text_alone() -> None:
    error = caught()
    first = error.__cause__
    assert detach(error) is error
    assert isinstance(error.__cause__, OriginalTraceback)
    for piece in ("in caught", "KeyError: 'first'", "ValueError: second"):
        assert piece in error.__cause__.text
    for one in (error, first):
        assert one is not None
        assert one.__traceback__ is None
        assert one.__context__ is None


def test_an_error_that_is_raised_again_keeps_its_first_traceback_and_no_new_frame() -> None:
    error = detach(caught())
    original = error.__cause__
    try:
        try:
            raise OSError("another")
        except OSError:
            raise error  # noqa: B904  # it has a cause
    except ValueError:
        pass
    assert error.__traceback__ is not None
    assert detach(error).__cause__ is original
    assert error.__traceback__ is None
    assert error.__context__ is None


def test_the_object_whose_attribute_was_missing_is_dropped() -> None:
    class State:
        pass

    with pytest.raises(AttributeError) as missing:
        getattr(State(), "amplitudes")  # noqa: B009  # a name that no State has
    assert missing.value.obj is not None
    detach(missing.value)
    assert missing.value.obj is None


def test_errors_that_are_linked_in_a_circle_end() -> None:
    one, other = ValueError("one"), ValueError("other")
    one.__context__, other.__context__ = other, one
    assert isinstance(detach(one).__cause__, OriginalTraceback)


class Silent(Exception):
    """An error whose text cannot be had."""

    def __str__(self) -> str:
        raise ZeroDivisionError


@dataclass(frozen=True)
class Frozen(Exception):
    """An error that lets nobody set an attribute."""

    place: int = 7


@pytest.mark.parametrize("error", [Silent(), Frozen()])
def test_errors_of_odd_classes_are_detached_and_described(error: Exception) -> None:
    try:
        raise error from ValueError("before")
    except (Silent, Frozen) as raised:
        detach(raised)
        detach(raised)
    assert error.__traceback__ is None
    assert isinstance(error.__cause__, OriginalTraceback)
    assert "before" in error.__cause__.text
    assert described(error).startswith(f"{type(error).__name__}: ")
    assert error_to_plain(error)["class"] == type(error).__name__


def test_errors_without_a_text_say_what_they_can() -> None:
    assert described(Silent()) == "Silent: (its text cannot be had: ZeroDivisionError)"
    assert described(MemoryError()) == "MemoryError: the system refused memory"
    assert described(MemoryError("no 8 GiB")) == "MemoryError: no 8 GiB"


def test_thousands_of_linked_errors_are_detached() -> None:
    errors = [ValueError(number) for number in range(5000)]
    for one, other in itertools.pairwise(errors):
        one.__context__ = other
    assert isinstance(detach(errors[0]).__cause__, OriginalTraceback)
    assert not any(one.__context__ for one in errors)


def test_where_there_is_no_memory_for_a_traceback_the_error_is_detached_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*arguments: object) -> list[str]:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(traceback, "format_exception", refuse)
        error = detach(caught())
    assert isinstance(error.__cause__, OriginalTraceback)
    assert error.__cause__.text.startswith("ValueError: ")
