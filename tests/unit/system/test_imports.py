"""Objects found by ``module:attribute``."""

from __future__ import annotations

import os.path
from fractions import Fraction

import pytest

from simquay.system.imports import load_object


def test_an_attribute_of_a_module() -> None:
    assert load_object("fractions:Fraction") is Fraction


def test_an_attribute_of_an_attribute() -> None:
    assert load_object("os:path.join") is os.path.join


@pytest.mark.parametrize(
    ("target", "error"),
    [
        ("no_such_module:name", ModuleNotFoundError),
        ("fractions:no_such_name", AttributeError),
    ],
)
def test_a_name_that_does_not_exist_is_an_error(target: str, error: type[Exception]) -> None:
    with pytest.raises(error, match="no_such"):
        load_object(target)
