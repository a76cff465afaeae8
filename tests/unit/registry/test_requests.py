"""Which names are tried, in which order, and who named them; lists and flags of the environment."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

import simquay.registry
from simquay.errors import RegistryError
from simquay.registry.requests import (
    FALLBACK,
    STRICT_PLUGINS,
    Request,
    parse_requests,
    read_flag,
    read_list,
)

FOLDER = Path(simquay.registry.__file__).parent


def test_no_name_is_the_environments_and_else_auto(monkeypatch: pytest.MonkeyPatch) -> None:
    assert parse_requests(None, None) == [Request("auto")]
    monkeypatch.setenv("SIMQUAY_BACKEND", " GPU , numpy")
    named = [Request("gpu", "SIMQUAY_BACKEND"), Request("numpy", "SIMQUAY_BACKEND")]
    assert parse_requests(None, None) == named
    assert parse_requests("cpu", None) == [Request("cpu")]


@pytest.mark.parametrize(
    ("name", "fallback", "names"),
    [
        ("a", "b", ["a", "b"]),
        ("A, b", ["c,d", " E "], ["a", "b", "c", "d", "e"]),
        ("a,b,a", ("b", "c"), ["a", "b", "c"]),
        ("dist:A", iter(["b"]), ["dist:a", "b"]),
        ("a", "", ["a"]),
    ],
)
def test_the_order_is_name_then_fallback_each_once(
    name: str, fallback: str | Iterable[str], names: list[str]
) -> None:
    assert [request.name for request in parse_requests(name, fallback)] == names


def test_the_environments_fallback_comes_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMQUAY_FALLBACK", "b,CPU")
    assert parse_requests("a", "b") == [
        Request("a"),
        Request("b"),  # the caller's, so it is warned of
        Request("cpu", "SIMQUAY_FALLBACK"),
    ]


def test_messages_tell_which_variable_named_it() -> None:
    assert Request("gpu").origin == ""
    assert Request("gpu", "SIMQUAY_BACKEND").origin == " (named by SIMQUAY_BACKEND)"


@pytest.mark.parametrize("name", ["", "  ", ",", " , "])
def test_an_empty_name(name: str) -> None:
    with pytest.raises(ValueError, match="is empty: expected a name such as 'numpy'"):
        parse_requests(name, None)


@pytest.mark.parametrize("name", [3, b"numpy", ["numpy"], object()])
def test_a_name_that_is_no_string(name: Any) -> None:
    with pytest.raises(TypeError, match=r"^name .*expected a backend's name as a string"):
        parse_requests(name, None)
    with pytest.raises(TypeError, match=r"^fallback .*expected a backend's name as a string"):
        parse_requests("reference", [name])


def test_only_one_module_reads_the_environment() -> None:
    readers = {path.name for path in FOLDER.glob("*.py") if "os.environ" in path.read_text("utf-8")}
    assert readers == {"requests.py"}


@pytest.mark.parametrize(
    ("value", "items"),
    [("", ()), (" ", ()), (",", ()), ("a", ("a",)), (" a , b,, c ", ("a", "b", "c"))],
)
def test_lists(monkeypatch: pytest.MonkeyPatch, value: str, items: tuple[str, ...]) -> None:
    monkeypatch.setenv("SIMQUAY_FALLBACK", value)
    assert read_list(FALLBACK) == items


@pytest.mark.parametrize(
    ("value", "flag"),
    [("1", True), ("True", True), ("0", False), ("no", False), ("OFF", False), ("", False)],
)
def test_flags(monkeypatch: pytest.MonkeyPatch, value: str, flag: bool) -> None:
    monkeypatch.setenv("SIMQUAY_STRICT_PLUGINS", value)
    assert read_flag(STRICT_PLUGINS) is flag
    monkeypatch.delenv("SIMQUAY_STRICT_PLUGINS")
    assert read_flag(STRICT_PLUGINS) is False


def test_a_flag_that_is_neither(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMQUAY_STRICT_PLUGINS", "2")
    with pytest.raises(RegistryError, match="='2': expected one of 1, true, yes, on or 0, false"):
        read_flag(STRICT_PLUGINS)
