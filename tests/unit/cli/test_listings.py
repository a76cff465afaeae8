"""``simquay backends`` and ``simquay doctor``, with made-up plugins on the search path."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy
import pytest

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


# --- backends ---------------------------------------------------------------------------------


def test_backends_lists_what_can_run_here_best_first(cli: Any, sites: FakeSites) -> None:
    called = cli("backends")
    assert (called.code, called.err) == (0, "")
    assert called.out.splitlines()[0].split() == ["name", "device", "status", "distribution"]
    assert names(called.out) == OWN
    row = ["numpy", "cpu", "available", "simquay", version("simquay")]
    assert called.out.splitlines()[1].split()[:5] == row


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
    assert "the device is not plugged in" in line
    assert "pip install rocket[fuel]" in line  # with its brackets: not taken for markup

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


# The command line prints the warning; as an error it would end the command.
@pytest.mark.filterwarnings("always::simquay.errors.SimquayPluginWarning")
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


# --- doctor -----------------------------------------------------------------------------------


def test_doctor_is_content_with_a_healthy_installation(cli: Any, sites: FakeSites) -> None:
    called = cli("doctor")
    assert (called.code, called.err) == (0, "")
    assert called.out.splitlines()[-1] == "all is well"
    assert numpy.__version__ in called.out


def test_doctor_json_has_the_facts(cli: Any, sites: FakeSites) -> None:
    called = cli("doctor", "--json")
    assert called.code == 0
    told = json.loads(called.out)
    assert told["versions"]["numpy"] == numpy.__version__
    assert told["cpus"] >= 1
    assert 0 < told["memory"]["available"] <= told["memory"]["total"]
    assert [backend["name"] for backend in told["backends"]] == OWN
    assert told["problems"] == []


def test_doctor_tells_which_variables_are_set(
    cli: Any, sites: FakeSites, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIMQUAY_FALLBACK", "cpu")
    assert json.loads(cli("doctor", "--json").out)["environment"]["SIMQUAY_FALLBACK"] == "cpu"
    assert ["SIMQUAY_FALLBACK", "cpu"] in [line.split() for line in cli("doctor").out.splitlines()]


@pytest.mark.parametrize(
    ("case", "status"), [("raises_at_import", "broken"), ("other_api", "incompatible")]
)
def test_doctor_fails_where_a_plugin_is_broken(
    cli: Any, sites: FakeSites, case: str, status: str
) -> None:
    sites.use(case)
    called = cli("doctor")
    assert (called.code, called.err) == (1, "")
    assert called.out.splitlines()[-1].startswith("broken: plugin fake-")
    assert f"is {status}: " in called.out.splitlines()[-1]
    assert json.loads(cli("doctor", "--json").out)["problems"]


def test_doctor_reports_even_where_plugins_are_strict(
    cli: Any, sites: FakeSites, monkeypatch: pytest.MonkeyPatch
) -> None:
    sites.use("raises_at_import")
    monkeypatch.setenv("SIMQUAY_STRICT_PLUGINS", "1")
    assert cli("doctor").code == 1


def test_doctor_takes_an_unavailable_or_blocked_thing_for_healthy(
    cli: Any, sites: FakeSites, monkeypatch: pytest.MonkeyPatch
) -> None:
    sites.write(
        "fake-rocket", spec("rocket", device="gpu", probe="tests.support.fake_backends:probe_no")
    )
    sites.use("raises_at_import")
    monkeypatch.setenv("SIMQUAY_LOAD_PLUGINS", "fake-rocket")
    monkeypatch.delenv("SIMQUAY_DISABLE_PLUGINS", raising=False)
    called = cli("doctor")
    assert called.code == 0
    assert "the device is not plugged in" in called.out
    assert "blocked" in called.out


def test_doctor_shows_what_a_probe_tells_of_the_device(cli: Any, sites: FakeSites) -> None:
    sites.write("fake-rocket", spec("rocket", probe="tests.support.fake_backends:probe_yes"))
    (line,) = [line for line in cli("doctor").out.splitlines() if line.startswith("rocket")]
    assert "cores: 3" in line


def test_doctor_fails_where_no_backend_is_available(
    cli: Any, sites: FakeSites, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = os.environ.get("SIMQUAY_DISABLE_PLUGINS", "")  # the fixture blocks those
    monkeypatch.setenv("SIMQUAY_DISABLE_PLUGINS", f"simquay,{others}")
    called = cli("doctor")
    assert called.code == 1
    assert called.out.splitlines()[-1] == "broken: no backend is available"
