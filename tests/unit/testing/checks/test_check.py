"""The list of checks: how a function becomes one."""

from __future__ import annotations

import pytest

from simquay.testing import CheckContext
from simquay.testing.checks import check as module
from simquay.testing.checks.check import Check, all_checks, check


def v02_later(context: CheckContext) -> None:
    """The second check of values.

    More about it.
    """


def j07_earlier(context: CheckContext) -> None:
    """A point of the contract."""


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> dict[str, Check]:
    """An empty list of checks."""
    empty: dict[str, Check] = {}
    monkeypatch.setattr(module, "CHECKS", empty)
    return empty


def test_the_name_gives_id_and_name_and_the_docstring_the_title(checks: dict[str, Check]) -> None:
    assert check(v02_later) is v02_later
    assert checks == {"V02": Check("V02", "later", "The second check of values", v02_later)}
    assert not checks["V02"].is_point


def test_points_of_the_contract_come_first(checks: dict[str, Check]) -> None:
    for function in (v02_later, j07_earlier):
        check(function)
    assert [one.id for one in all_checks()] == ["J07", "V02"]
    assert checks["J07"].is_point


def test_an_id_is_given_once(checks: dict[str, Check]) -> None:
    check(j07_earlier)
    with pytest.raises(ValueError, match="two checks are called J07"):
        check(j07_earlier)
