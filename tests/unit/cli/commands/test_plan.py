"""``simquay plan``: tables for circuits in files, and refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import simquay

DYNAMIC = """OPENQASM 3.0;
include "stdgates.inc";
qubit[3] q;
bit[1] c;
h q[0];
c[0] = measure q[0];
if (c[0]) { x q[1]; h q[2]; }
h q[1];
"""


def test_a_circuit_of_one_section(cli: Any, bell: Path) -> None:
    called = cli("plan", bell)
    assert (called.code, called.err) == (0, "")
    title, heading, columns, row, total = called.out.splitlines()
    assert title.endswith(": 2 qubits on numpy")
    assert heading.startswith("dense plan: 1 pass, 0 to 2 qubits stored")
    assert columns.split()[:2] == ["pass", "kind"]
    assert row.split()[:4] == ["1", "start", "2", "2"]
    assert total.startswith("total:")


def test_sections_between_measurements(cli: Any, tmp_path: Path) -> None:
    path = tmp_path / "dynamic.qasm"
    path.write_text(DYNAMIC)
    called = cli("plan", path, "--precision", "single")
    assert (called.code, called.err) == (0, "")
    assert [line for line in called.out.splitlines() if line.startswith("section")] == [
        "section 1 of 3:",
        "section 2 of 3:",
        "section 3 of 3:",
    ]


def test_another_engine_plans_in_its_own_way(cli: Any, bell: Path) -> None:
    assert "\ngates plan: 2 passes" in cli("plan", bell, "--engine", "reference").out


def test_the_engine_is_that_which_run_takes(
    cli: Any, bell: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIMQUAY_BACKEND", "reference")
    assert cli("plan", bell).out.splitlines()[0].endswith(" on reference")


def test_parameters_get_values_here_too(cli: Any, tmp_path: Path) -> None:
    path = tmp_path / "p.qasm"
    path.write_text("OPENQASM 3.0; input float a; qubit q; U(a, 0, 0) q;")
    assert "1 pass" in cli("plan", path, "--bind", "a=pi/2").out


def test_a_circuit_without_gates(cli: Any, tmp_path: Path) -> None:
    path = tmp_path / "empty.qasm"
    path.write_text("OPENQASM 3.0; qubit[1] q; bit[1] c; c[0] = measure q[0];")
    assert cli("plan", path).out.splitlines()[1:] == ["no gates: nothing to plan"]


def test_an_unknown_engine_is_one_line(cli: Any, bell: Path) -> None:
    cli("plan", bell, "--engine", "nmpy").assert_fails(2, "nmpy", "numpy")


def test_a_backend_without_an_engine_is_refused(
    cli: Any, bell: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Foreign:
        name = "foreign"

    monkeypatch.setattr(simquay, "get_backend", lambda name, fallback: Foreign())
    cli("plan", bell, "--engine", "foreign").assert_fails(2, "'foreign'", "numpy")
