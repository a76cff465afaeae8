"""``simquay backends``, with fake plugins on the search path."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from simquay.registry import KnownBackend
from simquay.simulators.builtin import simquay_register_backends
from tests.support.fake_plugins import FakeSites, fake_sites, spec

OWN = [one.name for one in sorted(simquay_register_backends(), key=lambda one: -one.priority)]
"""Simquay's own backends, the best first; all of them run wherever the tests do."""


@pytest.fixture
def sites(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeSites]:
    yield from fake_sites(monkeypatch, tmp_path)


def names(out: str) -> list[str]:
    """The first words of the lines of the listing of backends, without its header.

    What comes after a blank line are plugins: those of this machine are blocked in these tests.
    """
    lines = out.split("\n\n")[0].splitlines()
    return [line.split()[0] for line in lines[1:]]


def test_backends_lists_what_can_run_here_best_first(cli: Any, sites: FakeSites) -> None:
    called = cli("backends")
    assert (called.code, called.err) == (0, "")
    assert called.out.splitlines()[0].split() == ["name", "device", "status", "distribution"]
    assert names(called.out) == OWN
    row = ["numpy", "*", "cpu", "available", "simquay", version("simquay")]
    assert called.out.splitlines()[1].split()[:6] == row
    assert called.out.splitlines()[-1] == "* auto takes this one"


def test_a_backend_is_one_line_on_a_narrow_terminal(
    cli: Any, sites: FakeSites, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = {"probe": "tests.support.fake_backends:probe_no", "description": "long " * 30}
    sites.write("fake-rocket-of-a-name", spec("rocket", priority=99, **fields))
    monkeypatch.setenv("COLUMNS", "80")
    called = cli("backends", "--all")
    assert names(called.out) == ["rocket", *OWN]
    assert max(map(len, called.out.splitlines())) <= 80
    monkeypatch.setenv("SIMQUAY_LOAD_PLUGINS", "simquay")
    assert len(cli("backends").out.splitlines()) == 1 + len(OWN) + 2


def test_all_lists_what_could_be_installed(
    cli: Any, sites: FakeSites, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = (KnownBackend("phantom", "fake-phantom", "gpu", "pip install 'fake-phantom[x]'"),)
    monkeypatch.setattr("simquay.registry.messages.KNOWN_BACKENDS", table)
    assert "phantom" not in cli("backends").out
    (line,) = [one for one in cli("backends", "--all").out.splitlines() if "phantom" in one]
    assert line.split(maxsplit=4) == [
        *("phantom", "gpu", "installable", "fake-phantom"),
        "pip install 'fake-phantom[x]'",
    ]
    told = json.loads(cli("backends", "--all", "--json").out)["installable"]
    assert told == [
        {
            "name": "phantom",
            "device": "gpu",
            "distribution": "fake-phantom",
            "install": "pip install 'fake-phantom[x]'",
        }
    ]


def test_an_unavailable_backend_shows_with_all_and_its_reason(cli: Any, sites: FakeSites) -> None:
    fields = {"device": "gpu", "priority": 99, "install_hint": "pip install rocket[fuel]"}
    sites.write(
        "fake-rocket", spec("rocket", probe="tests.support.fake_backends:probe_no", **fields)
    )
    short = cli("backends").out
    assert "rocket" not in short
    assert short.splitlines()[-1] == "1 more cannot run here: simquay backends --all"

    full = cli("backends", "--all")
    assert names(full.out) == ["rocket", *OWN]
    line = full.out.splitlines()[1]
    assert line.split()[:5] == ["rocket", "gpu", "unavailable", "fake-rocket", "1.0"]
    # With its brackets: not taken for markup.
    assert "\nrocket: the device is not plugged in; pip install rocket[fuel]\n" in full.out

    told = json.loads(cli("backends", "--all", "--json").out)["backends"][0]
    assert told["status"] == "unavailable"
    assert told["reason"] == "the device is not plugged in"
    assert told["hint"] == "pip install rocket[fuel]"


def test_a_broken_plugin_shows_with_all_and_hides_nobody(cli: Any, sites: FakeSites) -> None:
    sites.use("raises_at_import")
    called = cli("backends", "--all")
    assert (called.code, called.err) == (0, "")
    assert set(OWN) <= set(names(called.out))
    (line,) = [line for line in called.out.splitlines() if line.startswith("fake-raises")]
    assert "broken" in line
    plugins = json.loads(cli("backends", "--all", "--json").out)["plugins"]
    (told,) = [plugin for plugin in plugins if plugin["distribution"].startswith("fake-raises")]
    assert told["status"] == "broken"
    assert told["error"] in line


def test_a_broken_plugin_is_one_line_of_warning_without_all(cli: Any, sites: FakeSites) -> None:
    sites.use("raises_at_import")
    called = cli("backends")
    assert called.code == 0
    assert called.err.startswith("simquay: warning: plugin fake-raises-at-import")
    assert called.err.count("\n") == 1


def test_strict_plugins_make_it_a_failure(
    cli: Any, sites: FakeSites, monkeypatch: pytest.MonkeyPatch
) -> None:
    sites.use("raises_at_import")
    monkeypatch.setenv("SIMQUAY_STRICT_PLUGINS", "1")
    cli("backends").assert_fails(1, "fake-raises-at-import")


def test_a_name_that_two_plugins_claim_is_listed_as_it_can_be_used(
    cli: Any, sites: FakeSites
) -> None:
    sites.write("fake-one", spec("twin"))
    sites.write("fake-two", spec("twin"))
    listed = names(cli("backends", "--all").out)
    assert {"fake-one:twin", "fake-two:twin"} <= set(listed)


def test_the_json_of_backends_is_the_listing(cli: Any, sites: FakeSites) -> None:
    told = json.loads(cli("backends", "--json").out)
    assert list(told) == ["backends"]
    assert [backend["name"] for backend in told["backends"]] == OWN


def test_no_text_of_a_plugin_reaches_the_terminal_raw(
    cli: Any, sites: FakeSites, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile = "a\x1b[31m\nb\u202ec"
    probe = "tests.support.fake_backends:probe_no"
    sites.write("fake-rocket", spec("rocket", priority=99, description=hostile, probe=probe))
    known = KnownBackend(f"name{hostile}", f"dist{hostile}", f"device{hostile}", f"do{hostile}")
    monkeypatch.setattr("simquay.registry.installable_backends", lambda _: [known])
    out = cli("backends", "--all").out
    assert all(line.isprintable() for line in out.split("\n"))
    for field in ("name", "dist", "device", "do"):
        assert f"{field}a\\x1b[31m\\nb\\u202ec" in out
