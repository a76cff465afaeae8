"""Errors with places, and with nothing that a terminal would obey."""

from __future__ import annotations

from pathlib import Path

import pytest
from qiskit.exceptions import QiskitError

from simquay.circuits.files import load_circuits
from simquay.circuits.readers.mistakes import at_offset, from_reader, mistake
from simquay.errors import CircuitFileError

FILE = Path("a.qasm")


def test_lines_and_columns_are_counted_from_1():
    text = "one\ntwo three\n"
    found = [at_offset(FILE, text, text.index(word), "no") for word in ("one", "two", "three")]
    assert [(error.line, error.column) for error in found] == [(1, 1), (2, 1), (2, 5)]
    assert str(found[2]) == "a.qasm:2:5: no"


def test_what_readers_say_of_a_place():
    assert from_reader(QiskitError("<input>:4,0: no\n such  gate")) == ("no such gate", 4, 1)
    assert from_reader(QiskitError("7,2: no")) == ("no", 7, 3)
    assert from_reader(ValueError("L4:C0: no")) == ("no", 4, 1)
    assert from_reader(ValueError("no place")) == ("no place", None, None)


def test_no_message_holds_what_a_terminal_obeys():
    error = mistake(Path("\x1b[2Ja.qasm"), "no\nline \u202e\x07\udcff")
    assert str(error) == r"\x1b[2Ja.qasm: no\nline \u202e\x07\udcff"
    assert error.path == "\x1b[2Ja.qasm"


@pytest.mark.parametrize("head", ["OPENQASM 2.0;\n", "OPENQASM 3.0;\n", ""])
@pytest.mark.parametrize("word", ["\x1b[31mred", "a" * 5_000, "\u202eabc", "x\u2028y"])
def test_names_of_a_file_are_escaped_and_cut(tmp_path, head, word):
    path = tmp_path / "a.qasm"
    for text in (f"{word} q;\n", f'include "{word}";\n', f"qreg {word}[1];\n{word} q;"):
        path.write_text(head + text)
        with pytest.raises(CircuitFileError) as caught:
            load_circuits(path)
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) <= 1100
