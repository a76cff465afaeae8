"""OpenQASM 2 from anybody: what it may include, and how much it may ask for."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from qiskit import QuantumCircuit

from simquay.circuits.files import load_circuits
from simquay.circuits.readers.openqasm2 import MAX_BITS, MAX_BROADCAST, MAX_INCLUDES, read
from simquay.errors import CircuitFileError

HEAD = 'OPENQASM 2.0;\ninclude "qelib1.inc";\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the program; what lies beside it is none of its business."""
    (tmp_path / "secret.inc").write_text("password\n")
    inside = tmp_path / "inside"
    (inside / "below").mkdir(parents=True)
    (inside / "twice.inc").write_text("gate twice a { x a; x a; }\n")
    (inside / "below" / "four.inc").write_text("gate four a { twice a; twice a; }")
    return inside


def loaded(folder: Path, text: str) -> QuantumCircuit:
    path = folder / "a.qasm"
    path.write_text(text)
    (circuit,) = load_circuits(path)
    return circuit


def refusal(folder: Path, text: str) -> CircuitFileError:
    start = time.process_time()
    with pytest.raises(CircuitFileError) as caught:
        loaded(folder, text)
    assert time.process_time() - start < 1
    assert "password" not in str(caught.value)
    return caught.value


def test_files_of_the_folder_and_below(folder):
    (folder / "all.inc").write_text(
        'OPENQASM 2.0;\n// both\ninclude "twice.inc"; include "below/../below/four.inc";'
    )
    (folder / "link.inc").symlink_to("all.inc")
    circuit = loaded(folder, HEAD + "include 'link.inc';\nqreg q[1];\nfour q[0];\n")
    assert circuit.decompose(reps=2).count_ops() == {"x": 4}


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "../secret.inc",
        "below/../../secret.inc",
        "link.inc",
        "out/secret.inc",
        "/dev/stdin",
        "/proc/self/fd/0",
        "~/.bashrc",
        "\\0",
        "nothing.inc",
        "pipe.inc",
        "below",
        "zero.inc",
    ],
)
def test_no_other_file(folder, name):
    (folder / "link.inc").symlink_to("../secret.inc")
    (folder / "out").symlink_to("..")
    (folder / "zero.inc").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe.inc")
    error = refusal(folder, HEAD + f'\n  include "{name}";\n')
    assert (error.line, error.column) == (4, 11)
    (folder / "outer.inc").write_text(f'\n\ninclude "{name}";')
    error = refusal(folder, HEAD + 'include "outer.inc";\n')
    assert str(error).endswith("included file outer.inc:3:9: is not valid there")


def test_the_current_folder_is_none_of_them(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    assert "no such file" in str(refusal(folder, HEAD + 'include "secret.inc";'))


def test_a_name_with_a_nul(folder):
    assert refusal(folder, HEAD + 'include "a\0b";').line == 3


def test_standard_input_has_no_folder():
    assert read(Path("standard input"), HEAD + "qreg q[1];", None).num_qubits == 1
    with pytest.raises(CircuitFileError, match="no folder to include"):
        read(Path("standard input"), HEAD + 'include "twice.inc";', None)


def test_files_that_include_themselves(folder):
    (folder / "a.inc").write_text('include "b.inc";')
    (folder / "b.inc").write_text('\ninclude "./a.inc";')
    assert "included file b.inc:2:9: is not" in str(refusal(folder, HEAD + 'include "a.inc";'))
    for number in range(30):
        again = f'include "{number + 1}.inc";' * 2
        (folder / f"{number}.inc").write_text(again)
    (folder / "30.inc").write_text(" //")
    assert "included file" in str(refusal(folder, HEAD + 'include "0.inc";'))
    many = 'include "30.inc";' * MAX_INCLUDES
    assert loaded(folder, HEAD + many).num_qubits == 0
    assert f"more than {MAX_INCLUDES} files" in str(refusal(folder, many + 'include "30.inc";'))


def test_mistakes_are_placed_around_included_files(folder):
    text = HEAD + 'include "twice.inc"; include "below/four.inc"; bad q;\n'
    error = refusal(folder, text)
    assert (error.line, error.column) == (3, 48)
    (folder / "twice.inc").write_text("gate twice a { x a; }\n\n   password a;\n")
    message = "OpenQASM 2, included file twice.inc:3:4: is not valid there"
    assert str(refusal(folder, text)).endswith(message)


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("qreg q[99999999];", 3, 8, f"99999999 bits are more than {MAX_BITS}"),
        ("creg c[4294967295];", 3, 8, "a number of 10 digits is too large"),
        ("qreg q[100000000000000000000000000];", 3, 8, "a number of 27 digits"),
        (f"qreg q[{'9' * 5000}];", 3, 8, "a number of 5000 digits"),
        ("qreg q[1];\nx q[99999999999999999999999];", 4, 5, "a number of 23 digits"),
        ("qreg // [1]\nq\n[99999999];", 5, 2, "99999999 bits"),
        ("qreg q[60000]; qreg r[60000];", 3, 23, "120000 bits"),
        ("qreg q[100000];" + "h q;" * 6, 3, 38, f"make more than {MAX_BROADCAST} instructions"),
        ("qreg q[9]; x q[9];", 3, 16, "out-of-range"),
        ("qreg q[1]; x q[0]; \0", 3, 20, r"'\x00'"),
        ("if(c==1) " * 1000, 3, 4, "'c' is not defined"),
    ],
)
def test_sizes(folder, text, line, column, message):
    error = refusal(folder, HEAD + text)
    assert (error.line, error.column) == (line, column)
    assert message in str(error)


def nested_gates(use, depth=5):
    """Each gate uses the one before it eight times, with other parameters each time."""
    lines = [f"{HEAD}gate g0(x) a {{ rx(x) a; }}"]
    for level in range(1, depth + 1):
        uses = " ".join(f"g{level - 1}(x+{one}) a;" for one in range(8))
        lines.append(f"gate g{level}(x) a {{ {uses} }}")
    return "\n".join([*lines, "qreg q[1]; creg c[1];", *use])


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (nested_gates(["g29(0.1) q[0];"], 29), "'g7'"),
        (nested_gates([f"g5({one}) q[0];" for one in range(50)]), "'g5'"),
        (nested_gates([f"if (c == 1) g5({one}) q[0];" for one in range(50)]), "'g5'"),
    ],
)
def test_gates_within_gates_that_are_too_large(folder, text, place):
    error = refusal(folder, text)
    assert error.line
    assert error.column
    assert f"gate {place} makes the program larger than" in str(error)


@pytest.mark.parametrize("digits", [11, 40])
def test_a_version_that_is_no_number_of_the_parser(folder, digits):
    """Qiskit's parser panics at it."""
    error = refusal(folder, f"OPENQASM 2.{'9' * digits};")
    assert (error.line, error.column) == (1, 12)


def test_a_version_of_5000_digits(folder):
    error = refusal(folder, f"OPENQASM {'2' * 5000}.0;")
    assert error.line == 1
    assert "of a version of 5000 digits" in str(error)


@pytest.mark.parametrize(
    "text",
    [
        "qreg q[90000]; creg c[9000]; h q; barrier q; measure q[0] -> c[0];",
        "qreg q[1]; rx(" + "(" * 10_000 + "1" + ")" * 10_000 + ") q[0];",
        "qreg q[1]; rx(" + "-" * 10_000 + "1) q[0];",
        "qreg q[1]; rx(1" + "^1" * 10_000 + ") q[0];",
        "qreg q[1]; rx(99999999999999999999999) q[0];",
        f"qreg q[1]; rx({'9' * 5000}.0) q[0];",
        f"qreg {'q' * 1_000_000}[1];",
        "qreg q[1]; creg c[99]; if(c==36893488147419103232) x q[0];",
        "qreg q[1];\rx q[0];\r\n// [9999999999]\rx q[0];",
        "qreg q[1]; creg c[9000];" + "if(c==1) x q[0];" * 60,
    ],
)
def test_what_is_large_but_fair(folder, text):
    assert loaded(folder, HEAD + text).num_qubits >= 1
