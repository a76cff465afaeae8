"""``simquay check``: the table, the document, exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

import simquay
from simquay.engines.reference import ReferenceEngine
from simquay.jobs.job import Job
from simquay.simulators.engine.backend import EngineBackend
from simquay.testing import CHECKS_IN_ORDER


def test_a_table_of_what_is_kept(cli: Any) -> None:
    called = cli("check", "reference", "--only", "J01,r01,V03")
    assert (called.code, called.err) == (0, "")
    heading, *rows, total = called.out.splitlines()
    assert heading.split() == ["check", "seconds"]
    assert [row.split()[:2] for row in rows] == [["J01", "kept"], ["R01", "kept"], ["V03", "kept"]]
    assert total == "reference: 1 of 1 points of the job contract, 2 of 2 other checks"


def test_a_letter_is_all_of_a_kind(cli: Any) -> None:
    called = cli("check", "reference", "--only", "r", "--json")
    document = json.loads(called.out)
    assert called.code == 0
    assert document["backend"] == "reference"
    assert document["points"] == {"kept": 0, "checked": 0}
    assert [one["id"] for one in document["checks"]] == [
        check.id for check in CHECKS_IN_ORDER if check.id[0] == "R"
    ]
    assert all(one["kept"] and not one["problem"] for one in document["checks"])


def test_a_broken_point_is_told_and_is_exit_code_1(
    cli: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Job, "error_message", lambda self: None)
    backend = EngineBackend(ReferenceEngine(), name="forgetful")
    monkeypatch.setattr(simquay, "get_backend", lambda name: backend)
    called = cli("check", "forgetful", "--only", "J14,J01")
    assert called.code == 1
    (row,) = (line for line in called.out.splitlines() if line.startswith("J14"))
    assert row.split()[1] == "broken"
    assert "expected the reason" in row
    assert called.out.splitlines()[-1] == "forgetful: 1 of 2 points of the job contract"


def test_a_failure_that_was_expected_is_none(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Job, "error_message", lambda self: None)
    backend = EngineBackend(ReferenceEngine(), name="forgetful")
    monkeypatch.setattr(simquay, "get_backend", lambda name: backend)
    called = cli("check", "forgetful", "--only", "J14,J01", "--expect", "j14")
    assert called.code == 0
    assert "J14    broken, as expected" in called.out
    document = json.loads(
        cli("check", "forgetful", "--only", "J14,J01", "--expect", "J14", "--json").out
    )
    assert [(one["kept"], one["expected"]) for one in document["checks"]] == [
        (True, True),
        (False, True),
    ]

    wrong = cli("check", "forgetful", "--only", "J14,J01", "--expect", "J01,J14")
    assert wrong.code == 1
    assert "J01    kept, though --expect names it" in wrong.out
    cli("check", "forgetful", "--expect", "J99").assert_fails(2, "--expect J99")


def test_no_text_of_a_backend_reaches_the_terminal_raw_or_whole(
    cli: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile = "a\x1b[31m\r\nb\u202e\udc80" + "x" * 100_000

    def refuse(*arguments: object, **options: object) -> None:
        raise RuntimeError(hostile)

    backend = EngineBackend(ReferenceEngine(), name=hostile)
    monkeypatch.setattr(backend, "run", refuse)
    monkeypatch.setattr(simquay, "get_backend", lambda name: backend)
    called = cli("check", "any", "--only", "J14,V01")
    assert (called.code, called.err) == (1, "")
    lines = called.out.split("\n")
    assert len(lines) == 5
    for line in lines[1:-1]:
        assert r"a\x1b[31m" in line
        assert line.isprintable()
        assert len(line) < 2000


@pytest.mark.parametrize("only", ["J99", "J01,X", ","])
def test_checks_that_do_not_exist(cli: Any, only: str) -> None:
    cli("check", "reference", "--only", only).assert_fails(2, "--only", "V09")


def test_an_unknown_backend_is_one_line(cli: Any) -> None:
    cli("check", "nmpy").assert_fails(2, "nmpy", "numpy")


@pytest.mark.slow
@pytest.mark.serial
@pytest.mark.skipif(os.name != "posix", reason="only a POSIX shell has jobs ignore Ctrl-C")
def test_ctrl_c_is_checked_where_a_shell_has_us_ignore_it() -> None:
    command = [sys.executable, "-m", "simquay", "check", "reference", "--only", "J38"]
    ignoring = ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *command]
    done = subprocess.run(ignoring, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_engine_of_a_backend(cli: Any) -> None:
    called = cli("check", "reference", "--engine", "--only", "E01,E03")
    assert (called.code, called.err) == (0, "")
    assert called.out.splitlines()[-1] == "reference: 2 of 2 other checks"


def test_a_backend_without_an_engine(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simquay, "get_backend", lambda name: SimpleNamespace(name="foreign"))
    cli("check", "foreign", "--engine").assert_fails(2, "no engine")
