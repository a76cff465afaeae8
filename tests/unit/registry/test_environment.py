"""Reading the environment: lists, flags, and values that are neither."""

from __future__ import annotations

from pathlib import Path

import pytest

import simquay.registry
from simquay.errors import RegistryError
from simquay.registry import environment

FOLDER = Path(simquay.registry.__file__).parent


def test_only_one_module_reads_the_environment() -> None:
    readers = {path.name for path in FOLDER.glob("*.py") if "os.environ" in path.read_text("utf-8")}
    assert readers == {"environment.py"}


@pytest.mark.parametrize(
    ("value", "items"),
    [("", ()), (" ", ()), (",", ()), ("a", ("a",)), (" a , b,, c ", ("a", "b", "c"))],
)
def test_lists(monkeypatch: pytest.MonkeyPatch, value: str, items: tuple[str, ...]) -> None:
    monkeypatch.setenv("SIMQUAY_FALLBACK", value)
    assert environment.read_list(environment.FALLBACK) == items


@pytest.mark.parametrize(
    ("value", "flag"),
    [("1", True), ("True", True), ("0", False), ("no", False), ("OFF", False), ("", False)],
)
def test_flags(monkeypatch: pytest.MonkeyPatch, value: str, flag: bool) -> None:
    monkeypatch.setenv("SIMQUAY_STRICT_PLUGINS", value)
    assert environment.read_flag(environment.STRICT_PLUGINS) is flag
    monkeypatch.delenv("SIMQUAY_STRICT_PLUGINS")
    assert environment.read_flag(environment.STRICT_PLUGINS) is False


def test_a_flag_that_is_neither(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMQUAY_STRICT_PLUGINS", "2")
    with pytest.raises(RegistryError, match="='2': expected one of 1, true, yes, on or 0, false"):
        environment.read_flag(environment.STRICT_PLUGINS)
