"""Errors of another process, as plain data and as pickles."""

from __future__ import annotations

import json
import threading
import zipfile

import pytest

from simquay.errors import OutOfMemoryError, ProgramError
from simquay.jobs.errors import OriginalTraceback, RemoteError, error_from_plain, error_to_plain


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except type(error) as caught:
        return caught


def travelled(error: BaseException) -> BaseException:
    return error_from_plain(json.loads(json.dumps(error_to_plain(raised(error)))))


@pytest.mark.parametrize(
    "error",
    [
        ProgramError("a break outside a loop"),
        OutOfMemoryError("too much", needed=10, available=3),
        ValueError("wrong", 3),
        KeyError("name"),
        ZeroDivisionError(),
        RecursionError("maximum recursion depth exceeded"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_of_python_and_simquay_come_back_as_themselves(error: BaseException) -> None:
    again = travelled(error)
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert again.args == error.args
    assert again.__traceback__ is None
    assert isinstance(again.__cause__, OriginalTraceback)
    assert "in raised" in again.__cause__.text


def test_fields_travel() -> None:
    again = travelled(OutOfMemoryError("too much", needed=10, available=3))
    assert isinstance(again, OutOfMemoryError)
    assert (again.needed, again.available) == (10, 3)


class Odd(ValueError):
    """Of this module: another process may not have it."""

    def __init__(self, first: object, second: object) -> None:
        super().__init__(f"{first} and {second}")
        self.things = [first, second]


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (Odd(1, 2), "Odd: 1 and 2"),
        (zipfile.BadZipFile("no zip"), "BadZipFile: no zip"),
        (UnicodeDecodeError("utf-8", b"a", 0, 1, "why"), "UnicodeDecodeError: 'utf-8' codec"),
        (ValueError([1, 2]), "ValueError: [1, 2]"),
        (SystemExit(3), "SystemExit: 3"),
    ],
    ids=["own class", "library", "not rebuilt", "argument that is no plain value", "no Exception"],
)
def test_any_other_error_comes_back_as_its_text(error: BaseException, text: str) -> None:
    again = travelled(error)
    assert type(again) is RemoteError
    assert str(again).startswith(text)
    assert isinstance(again.__cause__, OriginalTraceback)
    assert type(error).__name__ in again.__cause__.text


class Locked(ValueError):
    """No pickle takes it."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.lock = threading.Lock()


class Own(ValueError):
    """Of this module, and it pickles."""


def test_a_pickle_brings_an_error_of_any_class() -> None:
    again = error_from_plain(error_to_plain(raised(Own("lost", 3)), by_pickle=True), by_pickle=True)
    assert type(again) is Own
    assert again.args == ("lost", 3)
    assert isinstance(again.__cause__, OriginalTraceback)
    assert "in raised" in again.__cause__.text


def test_a_pickle_is_not_read_unless_it_is_asked_for() -> None:
    again = error_from_plain(error_to_plain(raised(Own("lost")), by_pickle=True))
    assert type(again) is RemoteError


def test_an_error_without_a_pickle_comes_back_as_its_text() -> None:
    plain = error_to_plain(raised(Locked("odd error")), by_pickle=True)
    assert "pickle" not in plain
    again = error_from_plain(plain, by_pickle=True)
    assert type(again) is RemoteError
    assert str(again).endswith("Locked: odd error")


def test_an_error_of_a_class_without_a_name_comes_back_by_value() -> None:
    class Local(Exception):
        """No pickle finds it by its name."""

    again = error_from_plain(error_to_plain(raised(Local("odd")), by_pickle=True), by_pickle=True)
    assert type(again) is Local
    assert str(again) == "odd"


def test_a_pickle_that_cannot_be_read_here_gives_the_text() -> None:
    plain = {**error_to_plain(raised(ValueError("why")), by_pickle=True), "pickle": b"junk"}
    again = error_from_plain(plain, by_pickle=True)
    assert type(again) is ValueError
    assert str(again) == "why"
