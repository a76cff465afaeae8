"""Circuits from files, and one clear error for each way in which a file can be wrong."""

from __future__ import annotations

import builtins
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
from qiskit import QuantumCircuit, qpy
from qiskit.quantum_info import Operator, Statevector

from simquay.circuits.files import FORMATS, load_circuits
from simquay.circuits.lowering.circuit import lower
from simquay.errors import CircuitFileError, SimquayError
from tests.support.paths import ROOT

FILES = sorted(
    path
    for folder in (ROOT / "tests/data/circuits", ROOT.parent / "shared/circuits")
    for path in folder.glob("*.qasm")
)

HEAD2 = 'OPENQASM 2.0;\ninclude "qelib1.inc";\n'
HEAD3 = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'


def written(folder: Path, content: str | bytes, name: str = "circuit.qasm") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def only(path: str | Path) -> QuantumCircuit:
    (circuit,) = load_circuits(path)
    return circuit


def failure(path: Path | str) -> CircuitFileError:
    with pytest.raises(CircuitFileError) as caught:
        load_circuits(path)
    assert isinstance(caught.value, SimquayError)
    assert caught.value.path == str(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_circuit_loads_and_lowers(path):
    circuit = only(path)
    program = lower(circuit)
    assert program.name == circuit.name == path.stem
    assert program.operations
    assert program.num_qubits == circuit.num_qubits


def test_openqasm_2(tmp_path):
    path = written(
        tmp_path, HEAD2 + "qreg q[2];\ncreg c[2];\nh q[0];\ncx q[0],q[1];\nmeasure q -> c;"
    )
    assert [i.name for i in only(path).data] == ["h", "cx", "measure", "measure"]
    assert only(str(path)).name == "circuit"


def test_openqasm_2_without_a_version_and_with_a_mark_of_byte_order(tmp_path):
    content = '\ufeffinclude "qelib1.inc";\nqreg q[1];\nx q[0];\n'
    assert only(written(tmp_path, content)).num_qubits == 1


def test_openqasm_2_with_the_gates_that_qiskit_adds(tmp_path):
    # None of these is in the paper's qelib1.inc, but exporters write them.
    content = HEAD2 + "qreg q[4];\nrxx(0.5) q[0],q[1];\ncsx q[0],q[1];\nsxdg q[2];\n"
    content += (
        "c3x q[0],q[1],q[2],q[3];\nrccx q[0],q[1],q[2];\ncu(1,2,3,4) q[0],q[1];\np(0.1) q[0];\n"
    )
    circuit = only(written(tmp_path, content))
    reference = QuantumCircuit(4)
    reference.rxx(0.5, 0, 1)
    reference.csx(0, 1)
    reference.sxdg(2)
    reference.mcx([0, 1, 2], 3)
    reference.rccx(0, 1, 2)
    reference.cu(1, 2, 3, 4, 0, 1)
    reference.p(0.1, 0)
    assert Operator(circuit).equiv(reference)


def test_openqasm_2_with_functions_of_angles(tmp_path):
    path = written(tmp_path, HEAD2 + "qreg q[1];\nrx(asin(0.5)+sqrt(2)) q[0];\n")
    assert only(path).data[0].params[0] == pytest.approx(math.asin(0.5) + math.sqrt(2))


def test_openqasm_2_includes_from_its_own_folder(tmp_path, monkeypatch):
    written(tmp_path, "gate twice a { x a; x a; }\n", "mine.inc")
    path = written(tmp_path, HEAD2 + 'include "mine.inc";\nqreg q[1];\ntwice q[0];\n')
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert only(path).data[0].name == "twice"
    monkeypatch.chdir(tmp_path)
    assert only(Path("circuit.qasm")).data[0].name == "twice"


def test_a_gate_that_is_only_declared_loads_but_does_not_lower(tmp_path):
    path = written(tmp_path, HEAD2 + "opaque secret a;\nqreg q[1];\nsecret q[0];\n")
    with pytest.raises(SimquayError, match=r"'secret'.*neither a matrix nor a definition"):
        lower(only(path))


@pytest.mark.parametrize("name", ["a.qasm", "a.QASM", "a.qasm3"])
def test_openqasm_3(tmp_path, name):
    content = "// first a comment, OPENQASM 2.0;\n/* and\n another */" + HEAD3
    content += "qubit[2] q;\nbit[2] c;\nh q[0];\nctrl @ inv @ s q[0], q[1];\nc = measure q;\n"
    content += "if (c == 1) { x q[0]; }\nfor uint i in [0:2] { rx(i) q[1]; }\n"
    circuit = only(written(tmp_path, content, name))
    assert circuit.name == "a"
    assert len(lower(circuit).operations) == 6


def test_qpy_keeps_every_circuit_and_name(tmp_path):
    circuits = [QuantumCircuit(n, name=f"n{n}") for n in (1, 2, 3)]
    circuits[2].h(0)
    with circuits[1].box():
        circuits[1].x(0)
    with (tmp_path / "many.qpy").open("wb") as file:
        qpy.dump(circuits, file)
    loaded = load_circuits(tmp_path / "many.qpy")
    assert [circuit.name for circuit in loaded] == ["n1", "n2", "n3"]
    assert loaded == circuits


# --- what is wrong with a file -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "line", "column", "message"),
    [
        (HEAD2 + "qreg q[1];\n  hh q[0];\n", 4, 3, "'hh' is not defined"),
        (HEAD2 + "qreg q[1]\nx q[0];\n", 4, 1, "needed ';'"),
        (HEAD2 + "qreg q[1];\nx q[3];\n", 4, 5, "out-of-range"),
        (HEAD2 + "qreg q[1];\nrx(1/0) q[0];\n", 4, 5, "divide by zero"),
        (HEAD2 + "qreg q[1]; $\n", 3, 12, "doesn't match any valid tokens"),
        ('OPENQASM 2.0;\ninclude "nowhere.inc";\n', 2, 9, "nowhere.inc"),
        ("this is no program\n", 1, 1, "'this' is not defined"),
        (HEAD3 + "qubit[2] q\nx q[0];\n", 4, 1, "did not expect 'x' here"),
        (HEAD3 + "qubit q;\n $$\n", 4, 2, "'$$'"),
        (HEAD3 + "qubit q;\nhh q;\n", 4, 1, "'hh' is not defined"),
        (HEAD3 + "qubit q;\nif (", 4, 5, "did not expect 'the end' here"),
        (HEAD3 + "float f = 1.5;\n", 3, 1, "not supported"),
        ('OPENQASM 3.0;\ninclude "other.inc";\n', 2, 1, "non-stdgates"),
        (HEAD3 + "qubit[2] q;\nx qq[0];\n", 4, 3, "Undefined symbol 'qq'"),
        (HEAD3 + "qubit[2] q;\nx\n qq[0];\n", 5, 2, "Undefined symbol 'qq'"),
        (HEAD3 + "qubit[2] q;\nbit c;\nc = measure q[0]; x w[0]; z q;\n", 5, 21, "'w'"),
        (HEAD3 + "qubit[2] q;\nx q[1];\nx q[2];\n", 5, 3, "out of range"),
        (HEAD3 + "qubit q;\nbit[1] c;\nc[1] = measure q;\n", 5, 1, "out of range"),
        (HEAD3 + "qubit[2] q;\nif (true) {\n  cx q[0], q[0];\n}\n", 4, 5, "conditions must be"),
        (HEAD3 + "qubit[2] q;\ncx q[0], q[0];\n", 4, 1, "duplicate"),
        (HEAD3 + "qubit[-1] q;\n", 3, 1, "must be non-negative"),
    ],
)
def test_malformed_openqasm_names_line_and_column(tmp_path, capsys, content, line, column, message):
    path = written(tmp_path, content)
    error = failure(path)
    assert (error.line, error.column) == (line, column)
    assert str(error).startswith(f"{path}:{line}:{column}: OpenQASM ")
    assert message in str(error)
    # The parser of OpenQASM 3 likes to print.
    assert capsys.readouterr() == ("", "")


def test_a_mistake_in_an_included_file_names_that_file(tmp_path):
    written(tmp_path, "gate twice a {\n hh a; }\n", "mine.inc")
    error = failure(written(tmp_path, HEAD2 + 'include "mine.inc";\n'))
    assert str(error).endswith("OpenQASM 2, included file mine.inc:2:2: is not valid there")
    assert error.line is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file is empty"),
        (" \n\t\n", "the file is empty"),
        ("// nothing\n/* at\n all */\n", "nothing but comments"),
        ("OPENQASM 4.1;\n", "is OpenQASM 4; versions 2 and 3"),
        (b"OPENQASM 2.0;\n\n\xff\xfe", "not text in UTF-8"),
    ],
)
def test_what_is_no_openqasm(tmp_path, content, message):
    assert message in str(failure(written(tmp_path, content)))


def test_bytes_that_are_no_text_are_placed(tmp_path):
    assert failure(written(tmp_path, b"OPENQASM 2.0;\n\n\xff\xfe")).line == 3


def qpy_bytes(tmp_path: Path, circuits: list[QuantumCircuit]) -> bytes:
    path = tmp_path / "whole.qpy"
    with path.open("wb") as file:
        qpy.dump(circuits, file)
    return path.read_bytes()


def test_qpy_cut_anywhere(tmp_path):
    circuit = QuantumCircuit(2, 2)
    circuit.h(0)
    circuit.measure([0, 1], [0, 1])
    whole = qpy_bytes(tmp_path, [circuit])
    for length in range(1, len(whole), 7):
        message = str(failure(written(tmp_path, whole[:length], "cut.qpy")))
        assert ("is no complete QPY file" in message) == (length >= len(b"QISKIT"))
        assert "\x1b" not in message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"OPENQASM 2.0;", "is not a QPY file"),
        (b"\0" * 99, "is not a QPY"),
    ],
)
def test_what_is_no_qpy(tmp_path, content, message):
    assert message in str(failure(written(tmp_path, content, "a.qpy")))


def test_qpy_of_a_later_version(tmp_path):
    whole = bytearray(qpy_bytes(tmp_path, [QuantumCircuit(1)]))
    whole[len(b"QISKIT")] = 250
    assert "250" in str(failure(written(tmp_path, bytes(whole), "later.qpy")))


def test_there_is_no_such_file(tmp_path):
    assert "there is no such file" in str(failure(tmp_path / "none.qasm"))


def test_a_folder(tmp_path):
    assert "is a directory" in str(failure(tmp_path))
    folder = tmp_path / "folder.qasm"
    folder.mkdir()
    assert "is a directory" in str(failure(folder))


def test_unknown_suffix(tmp_path):
    path = written(tmp_path, HEAD2 + "qreg q[1];", "a.txt")
    message = str(failure(path))
    assert "has the suffix '.txt'; expected one of " in message
    assert all(f".{one}" in message for one in FORMATS)
    (circuit,) = load_circuits(path, "qasm")
    assert circuit.num_qubits == 1


def test_unknown_format(tmp_path):
    with pytest.raises(ValueError, match="format='text': expected one of qasm, qasm2, qasm3, qpy"):
        load_circuits(written(tmp_path, HEAD2), "text")


def test_a_file_without_a_suffix_is_read_by_its_content(tmp_path):
    assert only(written(tmp_path, HEAD2 + "qreg q[1];", "two")).num_qubits == 1
    assert only(written(tmp_path, HEAD3 + "qubit[2] q;", "three")).num_qubits == 2
    whole = qpy_bytes(tmp_path, [QuantumCircuit(3)])
    assert only(written(tmp_path, whole, "qpy")).num_qubits == 3


@pytest.mark.parametrize("path", ["-", "/dev/stdin"])
def test_standard_input(path):
    program = (
        "from simquay.circuits.files import load_circuits\n"
        f"(circuit,) = load_circuits({path!r})\n"
        "print(circuit.num_qubits, circuit.name)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=HEAD3 + "qubit[2] q;\nx q[0];\n",
        text=True,
        capture_output=True,
        check=True,
    )
    assert done.stdout == f"2 {'stdin' if path != '-' else 'standard input'}\n"


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("qubit[2] q;\nU(pi, 0, 0) q[0];\n", "a.qasm3"),
        ("qubit[2] q;\nU(pi, 0, 0) q[0];\n", "a.qasm"),
        ('// no version\ninclude "stdgates.inc";\nqubit[2] q;\nx q[0];\n', "a.qasm"),
        ('include "stdgates.inc";\nqubit[2] q;\nrx(\u03c0) q[0];\n', "a.qasm3"),
        ("bit c;\nqubit[2] q;\nU(pi, 0, 0) q[0];\n", "a.qasm"),
    ],
)
def test_openqasm_3_without_a_version(tmp_path, content, name):
    state = Statevector(only(written(tmp_path, content, name)))
    assert state.equiv(Statevector.from_label("01"))


def test_openqasm_2_may_name_its_qubits_as_3_names_its_types(tmp_path):
    content = 'include "qelib1.inc";\nqreg bit[1];\ncreg qubit[1];\nmeasure bit -> qubit;\n'
    assert only(written(tmp_path, content)).num_clbits == 1


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (PermissionError(13, "Permission denied"), "may not be read (permission denied)"),
        (OSError(5, "Input/output error"), "cannot be read (Input/output error)"),
    ],
)
def test_a_file_that_cannot_be_read(tmp_path, monkeypatch, error, message):
    path = written(tmp_path, HEAD2)

    def open_(path, flags, *more):
        raise error

    monkeypatch.setattr(os, "open", open_)
    assert message in str(failure(path))


def test_openqasm_3_without_its_reader(tmp_path, monkeypatch):
    real_import = builtins.__import__

    def without(name, *args, **kwargs):
        if name.split(".")[0] in ("openqasm3", "qiskit_qasm3_import"):
            raise ImportError(f"No module named {name!r}")
        return real_import(name, *args, **kwargs)

    for name in [m for m in sys.modules if m.split(".")[0] in ("openqasm3", "qiskit_qasm3_import")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", without)
    message = str(failure(written(tmp_path, HEAD3 + "qubit q;\n")))
    assert "pip install qiskit-qasm3-import" in message
