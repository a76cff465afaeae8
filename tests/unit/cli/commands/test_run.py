"""``simquay run``: files, options, outputs and refusals."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister, qpy
from qiskit.circuit import Clbit, Parameter, Qubit

import simquay

QASM2 = """OPENQASM 2.0;
include "qelib1.inc";
qreg q[2];
creg c[2];
x q[0];
measure q -> c;
"""


def written(path: Path, *circuits: QuantumCircuit) -> Path:
    with path.open("wb") as file:
        qpy.dump(list(circuits), file)
    return path


def document(called: Any) -> dict[str, Any]:
    assert (called.code, called.err) == (0, "")
    parsed = json.loads(called.out)
    assert isinstance(parsed, dict)
    return parsed


# --- what it shows ----------------------------------------------------------------------------


def test_the_histogram_is_the_default(cli: Any, bell: Path) -> None:
    called = cli("run", bell, "--shots", 100, "--seed", 3)
    assert (called.code, called.err) == (0, "")
    title, bits, first, second, last = called.out.splitlines()
    assert title.endswith("2 qubits, 100 shots, seed 3")
    assert bits == "bits: c[1..0], left to right"
    assert {first.split()[0], second.split()[0]} == {"00", "11"}
    assert int(first.split()[-2]) + int(second.split()[-2]) == 100
    assert last.startswith("ran on ")
    assert "double precision" in last


def test_json_is_one_document_with_what_the_run_was(cli: Any, bell: Path) -> None:
    told = document(cli("run", bell, "--backend", "numpy", "--shots", 50, "--seed", 3, "--json"))
    assert told["backend"] == "numpy"
    assert told["metadata"]["precision"] == "double"
    assert told["seconds"] >= 0
    assert isinstance(told["job_id"], str)
    (circuit,) = told["circuits"]
    assert (circuit["qubits"], circuit["shots"], circuit["seed"]) == (2, 50, 3)
    assert set(circuit["counts"]) <= {"00", "11"}
    assert sum(circuit["counts"].values()) == 50


def test_the_shell_and_python_give_the_same_counts(cli: Any, bell: Path) -> None:
    told = document(cli("run", bell, "--backend", "numpy", "--seed", 3, "--json"))
    from qiskit import qasm3

    circuit = qasm3.load(bell)
    counts = simquay.get_backend("numpy").run(circuit, seed_simulator=3).result().get_counts()
    assert told["circuits"][0]["counts"] == counts


def test_a_run_without_a_seed_tells_the_seed_it_took(cli: Any, bell: Path) -> None:
    first = document(cli("run", bell, "--json"))["circuits"][0]
    again = document(cli("run", bell, "--json", "--seed", first["seed"]))["circuits"][0]
    assert again["counts"] == first["counts"]


def test_single_precision_is_passed_on(cli: Any, bell: Path) -> None:
    told = document(cli("run", bell, "--precision", "single", "--json"))
    assert told["metadata"]["precision"] == "single"


@pytest.mark.parametrize("backend", ["numpy", "reference"])
def test_the_backend_is_the_one_named(cli: Any, bell: Path, backend: str) -> None:
    assert document(cli("run", bell, "--backend", backend, "--json"))["backend"] == backend


def test_the_environment_names_the_backend_where_the_caller_does_not(
    cli: Any, bell: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIMQUAY_BACKEND", "reference")
    assert document(cli("run", bell, "--json"))["backend"] == "reference"


def test_openqasm_2(cli: Any, tmp_path: Path) -> None:
    path = tmp_path / "x.qasm"
    path.write_text(QASM2)
    assert document(cli("run", path, "--shots", 9, "--json"))["circuits"][0]["counts"] == {"01": 9}


def test_every_circuit_of_a_qpy_file_is_run_and_named(cli: Any, tmp_path: Path) -> None:
    none = QuantumCircuit(1, 1, name="none")
    none.measure(0, 0)
    one = QuantumCircuit(1, 1, name="one")
    one.x(0)
    one.measure(0, 0)
    path = written(tmp_path / "two.qpy", none, one)

    told = document(cli("run", path, "--shots", 5, "--json"))["circuits"]
    assert [(c["name"], c["counts"]) for c in told] == [("none", {"0": 5}), ("one", {"1": 5})]
    shown = cli("run", path, "--shots", 5).out
    assert "none: 1 qubits" not in shown
    assert shown.index("none: 1 qubit, 5 shots") < shown.index("one: 1 qubit, 5 shots")


def test_bits_are_named_with_the_last_register_first(cli: Any, tmp_path: Path) -> None:
    low, high = ClassicalRegister(1, "low"), ClassicalRegister(3, "high")
    circuit = QuantumCircuit(QuantumRegister(1, "q"), low, high)
    circuit.x(0)
    circuit.measure(0, low[0])
    told = document(cli("run", written(tmp_path / "r.qpy", circuit), "--json"))["circuits"][0]
    assert told["bits"] == "high[2..0] low[0], left to right"
    assert set(told["counts"]) == {"000 1"}


def test_bits_without_a_register_are_named_by_number(cli: Any, tmp_path: Path) -> None:
    circuit = QuantumCircuit([Qubit()], [Clbit(), Clbit()])
    circuit.x(0)
    circuit.measure(0, 1)
    told = document(cli("run", written(tmp_path / "l.qpy", circuit), "--json"))["circuits"][0]
    assert told["bits"] == "classical bits 1 to 0, left to right"
    assert set(told["counts"]) == {"10"}


# --- more about the run -----------------------------------------------------------------------


def rotation(path: Path) -> Path:
    circuit = QuantumCircuit(1, 1, name="turn")
    circuit.rx(Parameter("theta"), 0)
    circuit.measure(0, 0)
    return written(path, circuit)


def test_a_parameter_gets_its_value(cli: Any, tmp_path: Path) -> None:
    path = rotation(tmp_path / "p.qpy")
    told = document(cli("run", path, "--bind", "theta=pi", "--shots", 7, "--json"))
    assert told["circuits"][0]["counts"] == {"1": 7}
    cli("run", path, "--bind", "alpha=1").assert_fails(2, "alpha", "theta")
    cli("run", path, "--bind", "theta=x").assert_fails(2, "theta=x", "3*pi/2")
    cli("run", path).assert_fails(2, "theta", "--bind NAME=VALUE")


def test_several_values_are_circuits_one_by_one(cli: Any, tmp_path: Path) -> None:
    path = rotation(tmp_path / "p.qpy")
    arguments = ("run", path, "--bind", "theta=0,pi", "--shots", 7, "--seed", 1)
    first, second = document(cli(*arguments, "--json"))["circuits"]
    assert (first["parameters"], first["counts"]) == ({"theta": 0}, {"0": 7})
    assert (second["parameters"], second["counts"]) == ({"theta": pytest.approx(3.14159)}, {"1": 7})
    shown = cli(*arguments, "--plot", tmp_path / "counts.svg").out
    assert shown.index("turn at theta=0: 1 qubit") < shown.index("turn at theta=3.14159: 1 qubit")


def test_any_option_of_the_backend_can_be_given(cli: Any, bell: Path) -> None:
    told = document(
        cli("run", bell, "--option", "shots=5", "--option", "precision=single", "--json")
    )
    assert (told["circuits"][0]["shots"], told["metadata"]["precision"]) == (5, "single")
    cli("run", bell, "--option", "shotts=5").assert_fails(2, "shotts", "'shots'")
    cli("run", bell, "--option", "shots").assert_fails(2, "NAME=VALUE")


X = """OPENQASM 3.0;
include "stdgates.inc";
qubit q;
bit c;
x q;
c = measure q;
"""


@pytest.mark.parametrize("method", [(), ("--method", "density_matrix")])
def test_noise_of_a_module_and_of_a_file(cli: Any, tmp_path: Path, method: tuple[str, ...]) -> None:
    path = tmp_path / "x.qasm"
    path.write_text(X)
    called = cli("run", path, "--noise", "tests.support.flips:certain", *method, "--json")
    assert document(called)["circuits"][0]["counts"] == {"0": 1024}
    errors = {
        "type": "roerror",
        "operations": ["measure"],
        "probabilities": [[1.0, 0.0], [1.0, 0.0]],
    }
    (tmp_path / "noise.json").write_text(json.dumps({"errors": [errors]}))
    called = cli("run", path, "--noise", tmp_path / "noise.json", *method, "--json")
    assert document(called)["circuits"][0]["counts"] == {"0": 1024}


def test_noise_and_methods_that_do_not_exist(cli: Any, bell: Path) -> None:
    named = cli("run", bell, "--noise", "no.json")
    named.assert_fails(2, "--noise no.json", "there is no such file")
    cli("run", bell, "--noise", "math:pi").assert_fails(2, "type float is no noise model")
    cli("run", bell, "--method", "guess").assert_fails(2, "--method guess", "'density_matrix'")


def test_the_final_state_is_shown(cli: Any, tmp_path: Path) -> None:
    circuit = QuantumCircuit(2)
    circuit.x(1)
    circuit.sx(0)
    path = written(tmp_path / "state.qpy", circuit)
    told = document(cli("run", path, "--statevector", "--json"))["circuits"][0]
    assert told["counts"] == {}
    amplitudes = [complex(*pair) for pair in told["statevector"]]
    assert amplitudes == pytest.approx([0, 0, 0.5 + 0.5j, 0.5 - 0.5j])
    shown = cli("run", path, "--statevector").out.splitlines()
    assert shown[2:4] == [
        "|10>  +0.500000+0.500000j  50.0%",
        "|11>  +0.500000-0.500000j  50.0%",
    ]


def test_the_state_before_the_final_measurement_is_shown_with_the_counts(
    cli: Any, bell: Path
) -> None:
    told = document(cli("run", bell, "--statevector", "--shots", 8, "--json"))["circuits"][0]
    assert sum(told["counts"].values()) == 8
    assert len(told["statevector"]) == 4
    assert "|00>  +0.707107+0.000000j  50.0%" in cli("run", bell, "--statevector").out


def test_the_document_is_written_into_a_file_too(cli: Any, bell: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    shown = cli("run", bell, "--seed", 1, "--output", path)
    assert shown.out.startswith("bell: 2 qubits")
    told = json.loads(path.read_text())
    assert told["circuits"] == document(cli("run", bell, "--seed", 1, "--json"))["circuits"]
    cli("run", bell, "--output", tmp_path / "no" / "x").assert_fails(2, "--output", "not exist")
    assert cli("run", bell, "--output", "/dev/full").code == 2


@pytest.mark.parametrize(("option", "name"), [("--output", "out.json"), ("--plot", "out.png")])
def test_a_file_that_exists_is_replaced_and_told_and_a_link_is_not_followed(
    cli: Any, bell: Path, tmp_path: Path, option: str, name: str
) -> None:
    path = tmp_path / name
    path.write_text("old")
    told = f"simquay: note: {option} {path}: the file exists and is replaced\n"
    assert cli("run", bell, option, path).err == told
    assert path.read_bytes() != b"old"
    old = path.read_bytes()
    for target in (path, tmp_path / "nothing"):
        link = tmp_path / f"link{path.suffix}"
        link.symlink_to(target)
        cli("run", bell, option, link).assert_fails(2, "is a link, which is not followed")
        link.unlink()
    assert path.read_bytes() == old
    assert not (tmp_path / "nothing").exists()
    os.mkfifo(tmp_path / f"pipe{path.suffix}")
    pipe = tmp_path / f"pipe{path.suffix}"
    cli("run", bell, option, pipe).assert_fails(2, "not a regular file")


def test_names_of_a_circuit_cannot_steer_the_terminal(cli: Any, tmp_path: Path) -> None:
    name = "a\x1b[2J\nb\u202e"
    circuit = QuantumCircuit(1, name=name)
    circuit.add_register(ClassicalRegister(1, "c\x1b[0m"))
    circuit.measure(0, 0)
    path = tmp_path / "named.qpy"
    with path.open("wb") as file:
        qpy.dump(circuit, file)
    for arguments in (("run", path), ("plan", path), ("run", path, "--json")):
        called = cli(*arguments)
        assert called.code == 0
        assert all(line.isprintable() for line in (called.out + called.err).split("\n"))
        assert r"a\x1b[2J\nb\u202e: 1 qubit" in called.out or "--json" in arguments
    assert document(called)["circuits"][0]["name"] == name
    cli("run", tmp_path / "no\x1b[2J.qasm").assert_fails(
        2, r"no\x1b[2J.qasm: there is no such file"
    )


def test_the_last_line_says_how_long_it_took(cli: Any, bell: Path) -> None:
    assert re.search(r"ran on numpy .*, in [\d.e-]+ s with loading$", cli("run", bell).out.rstrip())


@pytest.mark.parametrize("format", [(), ("--format", "qasm3")])
def test_standard_input(bell: Path, format: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "simquay", "run", "-", *format, "--json"]
    with bell.open("rb") as given:
        done = subprocess.run(command, stdin=given, capture_output=True, text=True)
    assert set(json.loads(done.stdout)["circuits"][0]["counts"]) == {"00", "11"}, done.stderr


def test_a_format_is_given_where_the_ending_tells_none(
    cli: Any, bell: Path, tmp_path: Path
) -> None:
    path = tmp_path / "bell.txt"
    path.write_bytes(bell.read_bytes())
    document(cli("run", path, "--format", "qasm", "--json"))
    assert cli("plan", path, "--format", "qasm3").code == 0
    cli("run", path, "--format", "qpy").assert_fails(2, "not a QPY file")
    cli("run", path, "--format", "cirq").assert_fails(2, "cirq", "qasm2")


# --- circuits that measure nothing ------------------------------------------------------------


def test_a_circuit_that_measures_nothing_is_told_what_to_do(cli: Any, tmp_path: Path) -> None:
    circuit = QuantumCircuit(2, name="silent")
    circuit.x(1)
    path = written(tmp_path / "silent.qpy", circuit)
    cli("run", path).assert_fails(2, "'silent'", "measures nothing", "--measure-all")
    told = document(cli("run", path, "--measure-all", "--shots", 4, "--json"))["circuits"][0]
    assert told["counts"] == {"10": 4}


def test_measure_all_leaves_a_circuit_that_measures_alone(cli: Any, bell: Path) -> None:
    told = document(cli("run", bell, "--measure-all", "--json"))["circuits"][0]
    assert {len(outcome) for outcome in told["counts"]} == {2}


def test_a_measurement_inside_control_flow_counts(cli: Any, tmp_path: Path) -> None:
    circuit = QuantumCircuit(1, 1)
    circuit.x(0)
    with circuit.for_loop(range(2)):
        circuit.measure(0, 0)
    told = document(cli("run", written(tmp_path / "f.qpy", circuit), "--json"))["circuits"][0]
    assert set(told["counts"]) == {"1"}


def test_a_measurement_inside_an_instruction_counts(cli: Any, tmp_path: Path) -> None:
    inner = QuantumCircuit(1, 1, name="inner")
    inner.x(0)
    inner.measure(0, 0)
    circuit = QuantumCircuit(1, 1)
    circuit.append(inner.to_instruction(), [0], [0])
    told = document(cli("run", written(tmp_path / "i.qpy", circuit), "--json"))["circuits"][0]
    assert set(told["counts"]) == {"1"}


def test_a_variable_alone_is_no_outcome_but_a_stored_bit_is(cli: Any, tmp_path: Path) -> None:
    circuit = QuantumCircuit(1, 1)
    circuit.add_var("flag", False)
    cli("run", written(tmp_path / "v.qpy", circuit)).assert_fails(2, "measures nothing")
    circuit.store(circuit.clbits[0], True)
    told = document(cli("run", written(tmp_path / "s.qpy", circuit), "--json"))["circuits"][0]
    assert set(told["counts"]) == {"1"}


# --- without the extra [cli] ---------------------------------------------------------------


def test_without_rich_the_histogram_says_what_to_install_and_json_works(
    cli: Any, bell: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "rich", None)
    cli("run", bell).assert_fails(2, 'pip install ".[cli]"')
    document(cli("run", bell, "--json"))


# --- wrong input ------------------------------------------------------------------------------


def test_an_unknown_file(cli: Any, tmp_path: Path) -> None:
    cli("run", tmp_path / "nowhere.qasm").assert_fails(2, "nowhere.qasm")


def test_a_folder(cli: Any, tmp_path: Path) -> None:
    cli("run", tmp_path).assert_fails(2, tmp_path.name)


def test_an_unknown_ending(cli: Any, tmp_path: Path) -> None:
    path = tmp_path / "circuit.txt"
    path.write_text("hello")
    cli("run", path).assert_fails(2, "circuit.txt", ".qasm", ".qpy")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (QASM2.replace("x q[0];", "frobnicate q[0];"), "5:1"),
        (QASM2.replace("x q[0];", "x q[0]"), "6"),
        ('OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit q;\nfrobnicate q;\n', "4"),
        ("OPENQASM 3.0;\nqubit[2 q;\n", "2"),
    ],
)
def test_bad_openqasm_is_told_with_its_place(
    cli: Any, tmp_path: Path, text: str, place: str
) -> None:
    path = tmp_path / "bad.qasm"
    path.write_text(text)
    cli("run", path).assert_fails(2, f"bad.qasm:{place}")


def test_a_truncated_qpy_file(cli: Any, tmp_path: Path) -> None:
    circuit = QuantumCircuit(3, 3)
    circuit.h(range(3))
    circuit.measure(range(3), range(3))
    path = written(tmp_path / "cut.qpy", circuit)
    path.write_bytes(path.read_bytes()[:-40])
    cli("run", path).assert_fails(2, "cut.qpy")


def test_an_unknown_backend_gets_close_matches(cli: Any, bell: Path) -> None:
    cli("run", bell, "--backend", "nunpy").assert_fails(2, "nunpy", "numpy")


def test_no_gpu_is_an_error_and_a_fallback_a_warning(
    cli: Any, bell: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIMQUAY_LOAD_PLUGINS", "simquay")  # so that no GPU plugin is loaded
    cli("run", bell, "--backend", "gpu").assert_fails(2, "gpu")
    called = cli("run", bell, "--backend", "gpu", "--fallback", "numpy", "--shots", 10)
    assert called.code == 0
    assert called.err.startswith("simquay: warning: ")
    assert "using 'numpy'" in called.err
    assert called.err.count("\n") == 1
    assert called.out.rstrip().endswith(", in place of gpu")


@pytest.mark.parametrize("shots", ["0", "-5"])
def test_shots_of_zero_or_less(cli: Any, bell: Path, shots: str) -> None:
    cli("run", bell, f"--shots={shots}").assert_fails(2, "shots", shots)


def test_a_negative_seed(cli: Any, bell: Path) -> None:
    cli("run", bell, "--seed=-1").assert_fails(2, "seed", "-1")


def test_an_unbound_parameter(cli: Any, tmp_path: Path) -> None:
    circuit = QuantumCircuit(1, 1)
    circuit.rx(Parameter("theta"), 0)
    circuit.measure(0, 0)
    cli("run", written(tmp_path / "p.qpy", circuit)).assert_fails(2, "theta")


def test_more_qubits_than_memory_is_a_failed_run(cli: Any, tmp_path: Path) -> None:
    circuit = QuantumCircuit(60)
    circuit.h(range(60))
    circuit.measure_all()
    path = written(tmp_path / "wide.qpy", circuit)
    cli("run", path, "--backend", "numpy").assert_fails(1, "EiB of memory", "GiB available")
