"""OpenQASM 3 from anybody: it opens no file, and may ask for so much."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from qiskit import QuantumCircuit

from simquay.circuits.files import load_circuits
from simquay.circuits.readers.openqasm2 import MAX_BITS, MAX_BROADCAST
from simquay.circuits.readers.openqasm3 import MAX_TEXT, read
from simquay.errors import CircuitFileError

HEAD = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'
FILE = Path("a.qasm")


def refusal(text: str) -> CircuitFileError:
    read(FILE, HEAD)  # what is imported once
    start = time.process_time()
    with pytest.raises(CircuitFileError) as caught:
        read(FILE, text)
    assert time.process_time() - start < 1.5
    return caught.value


@pytest.mark.parametrize("separator", ["\n", "\r", "\x0c", "\x1c", "\x85", "\u2028"])
def test_the_lexer_prints_nothing(capsys, separator):
    assert "token recognition" in str(refusal(f'OPENQASM 3.0; qubit q; "{separator} x;'))
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["/etc/passwd", "../x.inc", "mine.inc", "/dev/zero", "\x1b[0m"])
def test_no_file_is_included(tmp_path, name):
    (tmp_path / "mine.inc").write_text("gate g a { x a; }")
    path = tmp_path / "a.qasm"
    path.write_text(HEAD + f'include "{name}";\n')
    with pytest.raises(CircuitFileError, match="non-stdgates") as caught:
        load_circuits(path)
    assert caught.value.line == 3


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("qubit[99999999] q;", 3, 1, f"99999999 bits are more than {MAX_BITS}"),
        ("qubit[4294967295] q;", 3, 1, "4294967295 bits"),
        ("qubit[10000 * 10000 + 1] q;", 3, 1, "100000001 bits"),
        ("bit[99999999] q;", 3, 1, "99999999 bits"),
        ("qubit[60000] q;\nbit[60000] r;", 4, 1, "120000 bits"),
        (f"qubit[1{'0' * 500}] q;", 3, 1, "bits are more than"),
        (f"qubit[{'9' * 5000}] q;", 3, 7, "a number has more than 1000 digits"),
        ("x $99999999;", 3, 1, "100000000 bits"),
        ("qubit[100000] q;\n" + "h q;\n" * 6, 8, 1, f"more than {MAX_BROADCAST} instructions"),
        ("qubit[100000] q;\nlet a = q ++ q ++ q ++ q ++ q ++ q;", 4, 1, "instructions"),
        ("qubit q; rx(" + "(" * 5000 + "1" + ")" * 5000 + ") q;", 3, 112, "100 brackets"),
        ("qubit q; bit c;\n" + "if(c){" * 300 + "x q;" + "}" * 300, 4, 603, "100 brackets"),
        ("qubit q; rx(" + "-" * 3000 + "1) q;", 3, None, "nested too deeply"),
    ],
)
def test_sizes(text, line, column, message):
    error = refusal(HEAD + text)
    assert message in str(error)
    assert error.line == line
    assert column is None or error.column == column


def nested(levels: int) -> str:
    gates = "".join(f"gate g{n + 1} a {{ {f'g{n} a; ' * 8}}}\n" for n in range(levels))
    return HEAD + f"gate g0 a {{ x a; }}\n{gates}qubit q;\ng{levels} q;\n"


def qubits(number: int) -> str:
    return ", ".join(f"q[{index}]" for index in range(number))


@pytest.mark.parametrize(
    "text",
    [
        nested(29),
        HEAD + f"qubit[12] q;\n{'ctrl @ ' * 11}rx(0.1) {qubits(12)};",
        HEAD + f"gate g {qubits(14).replace('[', '').replace(']', '')} {{ h q0; }}\n"
        f"qubit[14] q;\npow(0.5) @ g {qubits(14)};",
    ],
    ids=["nested", "controls", "a power"],
)
def test_gates_whose_cost_is_not_to_be_seen(text):
    assert "its gates take more than 1 s or 1 GiB" in str(refusal(text))


def test_too_long_a_text():
    assert f"longer than {MAX_TEXT} characters" in str(refusal(HEAD + " " * MAX_TEXT))


@pytest.mark.parametrize(
    "text",
    [
        "qubit[90000] q; bit c; h q; barrier q; c = measure q[0];",
        "qubit q; rx(" + "(" * 90 + "1" + ")" * 90 + ") q;",
        "qubit q; for uint i in [0:1000000000] { rx(i) q; }",
        "qubit[4] q; ctrl(3) @ x q[0], q[1], q[2], q[3]; pow(-2.5) @ h q[0];",
        "qubit[2] q;\r\nx q;\r\n",
        f"qubit {'q' * 100_000};",
    ],
)
def test_what_is_large_but_fair(text):
    circuit = read(FILE, HEAD + text)
    assert isinstance(circuit, QuantumCircuit)
    assert circuit.num_qubits >= 1


def test_gates_within_gates_that_are_few():
    assert read(FILE, nested(3)).decompose(reps=4).count_ops() == {"x": 512}


def test_no_process_can_be_started(monkeypatch):
    def fork():
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr("os.fork", fork)
    assert "another process" in str(refusal(nested(2)))
    assert read(FILE, HEAD + "qubit q; x q;").num_qubits == 1


def test_gates_within_gates_that_are_too_large_have_a_place(tmp_path):
    gates = [f"gate g{level} a {{ {f'g{level - 1} a; ' * 8}}}" for level in range(1, 30)]
    head = ["OPENQASM 3.0;", 'include "stdgates.inc";', "gate g0 a { x a; }"]
    path = tmp_path / "a.qasm"
    path.write_text("\n".join([*head, *gates, "qubit[1] q;", "g29 q[0];"]))
    with pytest.raises(CircuitFileError, match="its gates take more than") as caught:
        load_circuits(path)
    assert caught.value.line == 6  # g3: 8 ** 3 definitions, each of the size of 21 instructions
    assert caught.value.column
