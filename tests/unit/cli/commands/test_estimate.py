"""``simquay estimate``: values, points, outputs and refusals."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import pytest
from qiskit import QuantumCircuit, qpy
from qiskit.circuit import Parameter
from qiskit.quantum_info import SparsePauliOp, Statevector

TURN = """OPENQASM 3.0;
include "stdgates.inc";
input float theta;
input float phi;
qubit[2] q;
ry(theta) q[0];
cx q[0], q[1];
rx(phi) q[1];
"""


@pytest.fixture
def turn(tmp_path: Path) -> Path:
    """A circuit file with two parameters."""
    path = tmp_path / "turn.qasm"
    path.write_text(TURN)
    return path


def document(called: Any) -> dict[str, Any]:
    assert (called.code, called.err) == (0, "")
    parsed = json.loads(called.out)
    assert isinstance(parsed, dict)
    return parsed


def state(theta: float, phi: float) -> Statevector:
    circuit = QuantumCircuit(2)
    circuit.ry(theta, 0)
    circuit.cx(0, 1)
    circuit.rx(phi, 1)
    return Statevector(circuit)


def test_a_table_has_a_row_for_each_point_and_observable(cli: Any, turn: Path) -> None:
    called = cli(
        *("estimate", turn, "--observable", "ZZ:1.0,XX:-pi/2", "--observable", "1I"),
        *("--bind", "theta=0,pi", "--bind", "phi=0"),
    )
    assert (called.code, called.err) == (0, "")
    title, header, *rows, empty, last = called.out.splitlines()
    assert title == "turn at phi=0: 2 qubits, 2 points"
    assert header.split() == ["theta", "observable", "value", "error"]
    assert [row.split()[:2] for row in rows] == [
        ["0", "ZZ:1.0,XX:-pi/2"],
        ["0", "1I"],
        ["3.14159", "ZZ:1.0,XX:-pi/2"],
        ["3.14159", "1I"],
    ]
    assert [float(row.split()[2]) for row in rows] == pytest.approx([1, 0, 1, 1], abs=1e-8)
    assert {row.split()[3] for row in rows} == {"0"}
    assert empty == ""
    assert last.startswith("ran on numpy (cpu), double precision, in ")


def test_what_rounding_leaves_of_a_value_is_not_shown(cli: Any, turn: Path) -> None:
    for weight, exact in (1.0, "0"), (1e-9, "0"):
        observable = f"XI:{weight},IX:{weight}"
        angles = ("--bind", "theta=pi", "--bind", "phi=pi")
        called = cli("estimate", turn, "--observable", observable, *angles)
        assert called.out.splitlines()[2].split()[1:] == [exact, "0"]


def test_the_document_has_the_values_of_exact_states(cli: Any, turn: Path) -> None:
    told = document(
        cli(
            *("estimate", turn, "--observable", "ZZ:1.0,XX:-1/4", "--observable", "YI", "--json"),
            *("--bind", "theta=0:2:5", "--bind", "phi=0.7"),
        )
    )
    assert told["observables"] == ["ZZ:1.0,XX:-1/4", "YI"]
    assert (told["backend"], told["metadata"]["engine"]) == ("numpy", "numpy")
    (circuit,) = told["circuits"]
    assert (circuit["name"], circuit["qubits"]) == ("turn", 2)
    operators = [SparsePauliOp(["ZZ", "XX"], [1, -0.25]), SparsePauliOp("YI")]
    assert [point["parameters"]["theta"] for point in circuit["points"]] == [0, 0.5, 1, 1.5, 2]
    for point in circuit["points"]:
        made = state(point["parameters"]["theta"], point["parameters"]["phi"])
        exact = [made.expectation_value(operator).real for operator in operators]
        assert point["values"] == pytest.approx(exact, abs=1e-12)
        assert point["errors"] == [0, 0]


def test_a_circuit_without_parameters_has_one_point(cli: Any, bell: Path) -> None:
    told = document(cli("estimate", bell, "--observable", "ZZ,XX", "--json"))
    # The file measures both qubits: what is left is a mixture of 00 and 11.
    (point,) = told["circuits"][0]["points"]
    assert point == {"parameters": {}, "values": [pytest.approx(1)], "errors": [0]}
    title, header, *_ = cli("estimate", bell, "--observable", "ZZ").out.splitlines()
    assert (title, header.split()) == ("bell: 2 qubits", ["observable", "value", "error"])


def test_equal_labels_are_added(cli: Any, bell: Path) -> None:
    told = document(cli("estimate", bell, "--observable", "ZZ:1, ZZ:0.5,II", "--json"))
    assert told["circuits"][0]["points"][0]["values"] == [pytest.approx(2.5)]


def test_every_circuit_of_a_file_has_the_points_of_its_parameters(cli: Any, tmp_path: Path) -> None:
    turned, flipped = QuantumCircuit(1, name="turned"), QuantumCircuit(1, name="flipped")
    turned.ry(Parameter("a"), 0)
    flipped.x(0)
    path = tmp_path / "two.qpy"
    with path.open("wb") as file:
        qpy.dump([turned, flipped], file)
    arguments = ("estimate", path, "--observable", "Z", "--bind", "a=0,pi/2,pi")
    first, second = document(cli(*arguments, "--json"))["circuits"]
    values = [point["values"][0] for point in first["points"]]
    assert values == pytest.approx([1, 0, -1])
    assert [point["values"] for point in second["points"]] == [[-1]]
    shown = cli(*arguments).out
    assert shown.index("turned: 1 qubit, 3 points") < shown.index("flipped: 1 qubit\n")


def test_a_precision_adds_errors_that_a_seed_repeats(cli: Any, bell: Path) -> None:
    arguments = ("estimate", bell, "--observable", "ZZ", "--precision", 0.25, "--json")
    first, again = (document(cli(*arguments, "--seed", 4)) for _ in range(2))
    (point,) = first["circuits"][0]["points"]
    assert point["errors"] == [0.25]
    assert point["values"] != [1.0]
    assert abs(point["values"][0] - 1) < 1.25  # five standard errors
    assert again["circuits"] == first["circuits"]
    assert (first["seed"], again["seed"]) == (4, 4)
    told = document(cli(*arguments))
    assert document(cli(*arguments, "--seed", told["seed"]))["circuits"] == told["circuits"]


def test_a_backend_that_gives_shots_alone_needs_a_precision(cli: Any, bell: Path) -> None:
    refused = cli("estimate", bell, "--observable", "ZZ", "--backend", "basic")
    refused.assert_fails(2, "'basic' gives shots", "a precision above 0, such as 0.015625")
    assert "default_precision" not in refused.err  # which is no option of the command


def test_options_of_the_backend(cli: Any, bell: Path) -> None:
    arguments = ("estimate", bell, "--observable", "ZZ", "--json")
    told = document(cli(*arguments, "--option", "precision=single"))
    assert told["metadata"]["precision"] == "single"
    told = document(cli(*arguments, "--backend", "reference"))
    assert told["backend"] == "reference"
    cli(*arguments, "--option", "presision=single").assert_fails(2, "presision", "'precision'")
    cli(*arguments, "--backend", "nunpy").assert_fails(2, "nunpy", "numpy")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("ZZZ:1", ["ZZZ has 3 letters", "'turn' has 2 qubits"]),
        ("ZZ,X:2", ["X has 1 letter;"]),
        ("ZQ:1", ["ZQ:1", "IXYZ01+-rl"]),
        ("", ["IXYZ01+-rl"]),
        ("ZZ,", ["IXYZ01+-rl"]),
        (":1", [":1", "IXYZ01+-rl"]),
        ("ZZ:", ["ZZ:", "LABEL:COEFFICIENT"]),
        ("ZZ:x", ["ZZ:x", "LABEL:COEFFICIENT"]),
        ("ZZ:1:2", ["ZZ:1:2", "LABEL:COEFFICIENT"]),
        ("ZZ:2j", ["ZZ:2j", "complex"]),
        ("ZZ:1e999", ["ZZ:1e999", "finite"]),
    ],
)
def test_wrong_observables_are_one_line(cli: Any, turn: Path, text: str, parts: list[str]) -> None:
    given = ("--bind", "theta=1", "--bind", "phi=1")
    cli("estimate", turn, "--observable", text, *given).assert_fails(2, "--observable", *parts)


def test_wrong_parameters_are_one_line(cli: Any, turn: Path) -> None:
    call = ("estimate", turn, "--observable", "ZZ", "--bind", "theta=0,1")
    cli(*call).assert_fails(2, "'turn'", "without a value: phi", "--bind NAME=VALUE")
    cli(*call, "--bind", "fhi=1").assert_fails(2, "fhi", "did you mean 'phi'?")
    cli(*call, "--bind", "phi=1,2,3").assert_fails(2, "theta has 2 values and phi has 3")
    cli(*call, "--bind", "phi=1", "--precision", -1).assert_fails(2, "precision", "-1")
    cli(*call, "--bind", "phi=1", "--precision", math.nan).assert_fails(2, "precision", "nan")
    cli(*call, "--bind", "phi=1", "--seed", -1).assert_fails(2, "seed", "-1")
    cli("estimate", turn).assert_fails(2, "--observable")


def test_more_qubits_than_memory_is_a_failed_run(cli: Any, tmp_path: Path) -> None:
    circuit = QuantumCircuit(60)
    circuit.h(range(60))
    path = tmp_path / "wide.qpy"
    with path.open("wb") as file:
        qpy.dump(circuit, file)
    cli("estimate", path, "--observable", "X" * 60).assert_fails(1, "EiB of memory")


def test_without_rich_the_table_says_what_to_install_and_json_works(
    cli: Any, bell: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "rich", None)
    cli("estimate", bell, "--observable", "ZZ").assert_fails(2, 'pip install ".[cli]"')
    document(cli("estimate", bell, "--observable", "ZZ", "--json"))


def test_noise_changes_the_values(cli: Any, tmp_path: Path) -> None:
    path = tmp_path / "x.qasm"
    path.write_text('OPENQASM 3.0; include "stdgates.inc"; qubit q; x q;')
    words = "estimate", path, "--observable", "Z", "--json"
    noise = "--noise", "tests.support.flips:certain"
    values = [
        document(cli(*words, *more))["circuits"][0]["points"][0]["values"]
        for more in ((), noise, (*noise, "--method", "density_matrix"))
    ]
    assert values == [[-1.0], pytest.approx([1.0]), pytest.approx([1.0])]
    cli(*words, "--noise", "no.json").assert_fails(2, "--noise no.json")
    cli(*words, "--method", "guess").assert_fails(2, "--method guess")
