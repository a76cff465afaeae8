"""``simquay plan``: tables for circuits in files, and refusals."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from qiskit import QuantumCircuit, QuantumRegister, qpy
from qiskit.circuit import Gate, Parameter

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
    several = cli("plan", path, "--bind", "a=1,2").out
    assert [line for line in several.splitlines() if "qubit on" in line] == [
        "p at a=1: 1 qubit on numpy",
        "p at a=2: 1 qubit on numpy",
    ]


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


def test_no_text_of_a_file_reaches_the_terminal_raw_or_whole(cli: Any, tmp_path: Path) -> None:
    text = "a\x1b[31m\r\nb\u202e" + "x" * 60_000 + "end"
    circuit = QuantumCircuit(QuantumRegister(2, text), name=text, metadata={text: [text, "\udc80"]})
    circuit.global_phase = Parameter(text)
    circuit.h(0)
    inner = QuantumCircuit(1, name=text)
    inner.rx(Parameter(f"{text}2"), 0)
    circuit.append(inner.to_gate(label=text), [0])
    path = tmp_path / "named.qpy"
    with path.open("wb") as file:
        qpy.dump(circuit, file)
    cli("plan", path).assert_fails(2, r"a\x1b[31m")
    circuit.assign_parameters([0.1, 0.2], inplace=True)
    with path.open("wb") as file:
        qpy.dump(circuit, file)
    called = cli("plan", path)
    assert (called.code, called.err) == (0, "")
    title, *others = called.out.split("\n")
    assert title.startswith(r"a\x1b[31m\r\nb\u202exxx")
    assert title.endswith("end: 2 qubits on numpy")
    assert all(line.isprintable() and len(line) < 2000 for line in (title, *others))
    circuit.append(Gate(text, 1, []), [0])
    with path.open("wb") as file:
        qpy.dump(circuit, file)
    called = cli("plan", path)
    called.assert_fails(2, r"a\x1b[31m")
    assert called.err[:-1].isprintable()
    assert len(called.err) < 5000


def test_an_engine_whose_name_is_no_name(
    cli: Any, bell: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = simquay.get_backend("numpy")
    backend.name = "a\x1b[31m\udc80" + "x" * 60_000
    monkeypatch.setattr(simquay, "get_backend", lambda name, fallback: backend)
    called = cli("plan", bell)
    assert (called.code, called.err) == (0, "")
    assert all(line.isprintable() and len(line) < 2000 for line in called.out.split("\n"))


def test_noise_is_planned_by_the_method_of_the_run(cli: Any, bell: Path) -> None:
    noise = "--noise", "tests.support.flips:often"
    shown = {
        method: cli("plan", bell, *noise, "--method", method).out.splitlines()
        for method in ("trajectories", "density_matrix")
    }
    title, heading, *_ = shown["trajectories"]
    assert re.fullmatch(
        r".*: 2 qubits on numpy, trajectories: about \d\S* evolutions for 1024 shots", title
    )
    assert heading.startswith("dense plan: 1 pass, 0 to 2 qubits stored")
    title, heading, *_ = shown["density_matrix"]
    assert title.endswith(": 2 qubits on numpy, density matrix: a state of twice as many qubits")
    assert heading.startswith("dense plan: 1 pass, 0 to 4 qubits stored")
    assert "for 9 shots" in cli("plan", bell, *noise, "--method", "trajectories", "--shots", 9).out
    cli("plan", bell, "--noise", "no.json").assert_fails(2, "--noise no.json")


def test_a_packed_density_matrix(cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simquay.execution.density.packing._LEAST", 0)
    turns = "".join([f"ry(0.3) q[{qubit}]; rz(0.2) q[{qubit}];" for qubit in range(5)])
    path = tmp_path / "turns.qasm"
    head = 'OPENQASM 2.0; include "qelib1.inc"; qreg q[5];'
    path.write_text(f"{head} {turns} h q[0]; cx q[0], q[1];")
    noise = "--noise", "tests.support.flips:often"
    shown = cli("plan", path, *noise, "--method", "density_matrix").out.splitlines()
    assert shown[1].startswith("packed dense plan: ")
    assert "1 to 10 qubits stored; clusters of up to " in shown[1]


def test_a_circuit_without_a_density_matrix(cli: Any, tmp_path: Path) -> None:
    path = tmp_path / "dynamic.qasm"
    path.write_text(DYNAMIC.replace("h q[1];", "cx q[0], q[1];"))
    noise = "--noise", "tests.support.flips:often"
    cli("plan", path, *noise, "--method", "density_matrix").assert_fails(2, "no density matrix")
