"""The pages about the registry have the names and the values of the code."""

from __future__ import annotations

import dataclasses
import re

import simquay.errors
from simquay import plugin
from simquay.plugin import BackendSpec
from simquay.registry import PluginStatus
from simquay.simulators.builtin import simquay_register_backends
from tests.support.pages import first_column, read
from tests.support.plugin_sources import specs_by_distribution

PAGE = "docs/reference/registry.md"

OWN = {spec.name: spec.priority for spec in simquay_register_backends()}
ALL = OWN | {
    spec.name: spec.priority for specs in specs_by_distribution().values() for spec in specs
}
"""Priority by the name of the backend: Simquay's own, and those of the plugins in this repository
too."""


def names(header: str) -> list[str]:
    return [cell.strip("`") for cell in first_column(read(PAGE), header)]


def test_every_status() -> None:
    assert names("status") == [status.value for status in PluginStatus]


def test_every_field_of_a_spec() -> None:
    assert set(names("field")) == {field.name for field in dataclasses.fields(BackendSpec)}


def test_every_error() -> None:
    base = simquay.errors.RegistryError
    assert set(names("error")) == {error.__name__ for error in base.__subclasses__()}


def test_everything_that_a_plugin_imports_is_on_the_page() -> None:
    constants = {"ENTRY_POINT_GROUP", "PLUGIN_API", "RESERVED_NAMES"}
    missing = [name for name in set(plugin.__all__) - constants if name not in read(PAGE)]
    assert not missing


def test_the_priorities_are_those_of_the_specs() -> None:
    (told,) = re.findall(r"built-in backends are ([^.]+)\.", " ".join(read(PAGE).split()))
    assert {name: int(value) for name, value in re.findall(r"`(\w+)` (-?\d+)", told)} == OWN


def test_the_priorities_in_the_docstring_are_those_of_the_specs() -> None:
    text = " ".join((BackendSpec.__doc__ or "").split())
    (told,) = re.findall(r"Simquay's own: ([^.]+)\.", text)
    found = {name: int(value) for name, value in re.findall(r"(\w+) (-?\d+)", told)}
    assert found == {name: ALL[name] for name in found}
    assert len(found) >= 4
