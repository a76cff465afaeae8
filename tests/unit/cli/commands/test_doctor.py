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


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        (
            "SIMQUAY_FALBACK",
            "cpu",
            "SIMQUAY_FALBACK is no variable of Simquay; did you mean 'SIMQUAY_FALLBACK'?",
        ),
        (
            "SIMQUAY_BACKEND",
            "nunpy",
            "SIMQUAY_BACKEND names 'nunpy', which is no backend; did you mean 'numpy'?",
        ),
        ("SIMQUAY_BACKEND", "nosuch", "SIMQUAY_BACKEND names 'nosuch', which is no backend"),
        ("SIMQUAY_FALLBACK", "cpu,refrence", "'refrence', which is no backend; did you mean"),
        (
            "SIMQUAY_LOAD_PLUGINS",
            "simquay-nunba",
            "SIMQUAY_LOAD_PLUGINS names 'simquay-nunba', which is no installed plugin; "
            "did you mean 'simquay-numba'?",
        ),
        ("SIMQUAY_STRICT_PLUGINS", "maybe", "SIMQUAY_STRICT_PLUGINS='maybe': expected one of"),
        ("SIMQUAY_BACKEND", "rocket", "backend 'rocket' (fake-rocket 1.0) (named by SIMQUAY"),
    ],
)
def test_doctor_names_wrong_variables(
    cli: Any,
    sites: FakeSites,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    value: str,
    told: str,
) -> None:
    sites.write("fake-rocket", spec("rocket", probe="tests.support.fake_backends:probe_no"))
    monkeypatch.setenv(variable, value)
    called = cli("doctor")
    assert (called.code, called.err) == (1, "")
    (line,) = [line for line in called.out.splitlines() if line.startswith("broken: ")]
    assert told in line


@pytest.mark.parametrize(
    "value", ["numpy", "cupy,numpy", "simquay:numpy", "gpu,cpu", "gpu-statevector,auto"]
)
def test_doctor_knows_the_names_that_a_variable_may_have(
    cli: Any, sites: FakeSites, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("SIMQUAY_BACKEND", value)
    monkeypatch.setenv("SIMQUAY_DISABLE_PLUGINS", "simquay-aer,simquay-cupy,simquay_numba")
    assert cli("doctor").out.splitlines()[-1] == "all is well"


@pytest.mark.parametrize(
    ("factory", "told"),
    [
        ("tests.support.fake_backends:make_raising", "RuntimeError: no room for rocket"),
        ("no_such_module:make", "No module named 'no_such_module'"),
        ("tests.support.fake_backends:make", "TranspilerError"),  # its target has no gates
        ("tests.support.fake_backends:make_liar", "a Bell pair gives {'01': 100}"),
    ],
)
@pytest.mark.parametrize("fallback", ["", "cpu"])
def test_doctor_runs_every_backend_that_says_it_is_available(
    cli: Any,
    sites: FakeSites,
    monkeypatch: pytest.MonkeyPatch,
    factory: str,
    told: str,
    fallback: str,
) -> None:
    sites.write("fake-rocket", spec("rocket", factory=factory))
    monkeypatch.setenv("SIMQUAY_FALLBACK", fallback)
    called = cli("doctor", "--json")
    assert called.code == 1
    (problem,) = json.loads(called.out)["problems"]
    assert problem.startswith("backend rocket is listed as available, but ")
    assert told in problem


HOSTILE = "a\x1b[31m\r\nb\u202e\udc80" + "x" * 100_000 + "end"
HOSTILE_PLUGIN = f"""
from simquay.plugin import Available, BackendSpec, Unavailable, hookimpl

HOSTILE = {HOSTILE!a}

class Text:
    def __str__(self):
        return HOSTILE

class NoText:
    def __str__(self):
        raise RuntimeError(HOSTILE)

def available():
    return Available({{HOSTILE: HOSTILE, (1, 2): Text()}})

def untold():
    return Available({{"an object": NoText()}})

def unavailable():
    return Unavailable(HOSTILE, HOSTILE)

def raising(*_, **options):
    raise RuntimeError(HOSTILE)

def shouting():
    raise type(HOSTILE[:9], (Exception,), {{}})()

def make(spec):
    from simquay.simulators.factories import make_numpy
    backend = make_numpy(spec)
    backend.run = raising
    return backend

@hookimpl
def simquay_register_backends():
    probes = ("available", "unavailable", "raising", "shouting", "untold")
    for number, probe in enumerate(probes):
        yield BackendSpec(
            name=f"rocket-{{number}}",
            device="cpu",
            factory=f"fake_rocket:{{'make' if number else 'raising'}}",
            probe=f"fake_rocket:{{probe}}",
            description=HOSTILE,
            install_hint=HOSTILE,
        )
    yield BackendSpec(name="rocket-run", device="cpu", factory="fake_rocket:make")
"""


def test_no_text_of_a_plugin_or_variable_reaches_the_terminal_raw_or_whole(
    cli: Any, sites: FakeSites, monkeypatch: pytest.MonkeyPatch
) -> None:
    sites.write("fake-rocket", modules={"fake_rocket": HOSTILE_PLUGIN}, version="1.0\x1b[31m")
    sites.write(
        "fake-broken",
        modules={"fake_broken": f"HOSTILE = {HOSTILE!a}\nraise RuntimeError(HOSTILE)"},
        entry_points="[simquay]\nname\x1b[31m\u202e = fake_broken\n",
    )
    monkeypatch.setenv("SIMQUAY_BACKEND", HOSTILE)
    monkeypatch.setenv("SIMQUAY_a\x1b[31m", HOSTILE)
    called = cli("doctor")
    assert (called.code, called.err) == (1, "")
    lines = called.out.split("\n")
    assert all(line.isprintable() for line in lines)
    assert max(map(len, lines)) < 5000
    broken = [line for line in lines if line.startswith("broken: ")]
    for part in ("plugin fake-broken", "rocket-0", "rocket-run", "SIMQUAY_BACKEND", "SIMQUAY_a"):
        (line,) = [one for one in broken if part in one]
        assert r"a\x1b[31m" in line
    for part in (*(f"rocket-{number}" for number in range(5)), "SIMQUAY_BACKEND"):
        (line,) = [one for one in lines if one.startswith(part)]
        assert r"a\x1b[31m" in line
    assert len(json.loads(cli("doctor", "--json").out)["problems"]) == len(broken)
