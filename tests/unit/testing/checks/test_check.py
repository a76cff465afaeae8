"""The list of checks: how the functions of a module become checks."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest

from simquay.testing import CheckContext
from simquay.testing.checks.check import Check, checks_of


def v02_later(context: CheckContext) -> None:
    """The second check of values.

    More about it.
    """


def j07_earlier(context: CheckContext) -> None:
    """A point of the contract."""


def j7_helper(context: CheckContext) -> None:
    """No check: its number has one digit."""


def module_of(*functions: Callable[..., object]) -> ModuleType:
    """A module that defines functions."""
    module = ModuleType(__name__)
    vars(module).update({function.__name__: function for function in functions})
    return module


def test_the_name_gives_id_and_name_and_the_docstring_the_title() -> None:
    (made,) = checks_of(module_of(v02_later, j7_helper))
    assert made == Check("V02", "later", "The second check of values", v02_later)
    assert not made.is_point


def test_points_of_the_contract_come_first() -> None:
    checks = checks_of(module_of(v02_later), module_of(j07_earlier))
    assert [one.id for one in checks] == ["J07", "V02"]
    assert checks[0].is_point


def test_a_check_that_a_module_imports_is_not_its_own() -> None:
    module = module_of(j07_earlier)
    module.__name__ = "another"
    assert checks_of(module) == ()


def test_an_id_is_given_once() -> None:
    with pytest.raises(ValueError, match="two checks are called J07"):
        checks_of(module_of(j07_earlier), module_of(j07_earlier))
