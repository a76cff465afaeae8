"""Which names are tried, in which order, and who named them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from simquay.registry.requests import Request, parse_requests


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


def test_the_environments_fallback_comes_last_and_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMQUAY_FALLBACK", "b,CPU")
    assert parse_requests("a", "b") == [
        Request("a"),
        Request("b"),  # the caller's, so it is warned of
        Request("cpu", "SIMQUAY_FALLBACK", quiet=True),
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
