"""The reference page of the registry tells what the code has."""

from __future__ import annotations

import dataclasses
import re

import simquay.errors
from simquay.plugin import BackendSpec
from simquay.registry import PluginStatus
from tests.support.paths import DOCS

PAGE = (DOCS / "reference" / "registry.md").read_text("utf-8")


def first_cells(header: str) -> list[str]:
    """The first column, without backquotes, of the table with this first header."""
    table = re.search(rf"^\| {header} \|.*\n\|[-|]+\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    assert table, header
    return [row.split("|")[1].strip().strip("`") for row in table[1].splitlines()]


def test_every_status() -> None:
    assert first_cells("status") == [status.value for status in PluginStatus]


def test_every_field_of_a_spec() -> None:
    assert set(first_cells("field")) == {field.name for field in dataclasses.fields(BackendSpec)}


def test_every_error() -> None:
    base = simquay.errors.RegistryError
    assert set(first_cells("error")) == {one.__name__ for one in base.__subclasses__()}
