"""``simquay doctor``, with fake plugins on the search path."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
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
