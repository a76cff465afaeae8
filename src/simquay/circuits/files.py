"""Circuits from files: OpenQASM 2, OpenQASM 3 and QPY."""

from __future__ import annotations

import os
import re
from pathlib import Path

from qiskit import QuantumCircuit

from simquay.circuits.readers import binary, openqasm2, openqasm3
from simquay.circuits.readers.content import read_content
from simquay.circuits.readers.mistakes import mistake

__all__ = ["FORMATS", "load_circuits"]

FORMATS = ("qasm", "qasm2", "qasm3", "qpy")
"""The formats of circuits; ``qasm`` is OpenQASM of the version that the text shows."""

_COMMENTS = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_ONLY_IN_3 = re.compile(r"(?:^|;)\s*(?:qubit\b|bit\b|include\s*[\"']stdgates\.inc)")
_VERSION = re.compile(r"OPENQASM\s+(\d+)")


def load_circuits(path: str | os.PathLike[str], format: str | None = None) -> list[QuantumCircuit]:
    """The circuits in a file: one from OpenQASM, any number from QPY.

    A circuit from OpenQASM gets the file's name without suffix. Files of OpenQASM 2 may include
    others of their folder and those below, but no links that lead out of it, and the gates that
    Qiskit adds to ``qelib1.inc`` are known. Standard input includes only ``qelib1.inc``.

    Args:
        path: the file, a regular one or a link to one; ``"-"`` is standard input.
        format: one of :data:`FORMATS`. Without it, the suffix tells it (``.qasm``, ``.qasm2``,
            ``.qasm3``, ``.qpy``); where there is no suffix, the content does. The version of
            OpenQASM is that of the file's first statement. Where it names none, it is that of the
            suffix, or else 3 where the text declares a ``qubit`` or ``bit``, or includes
            ``stdgates.inc``, and 2 where it does not.

    Raises:
        CircuitFileError: if there is no such file, or it cannot be read or understood, or asks for
            more than docs/reference/circuits.md allows; with the line and column, where the file is
            OpenQASM and they are known.
        ValueError: if there is no such format.
    """
    if format is not None and format not in FORMATS:
        raise ValueError(f"format={format!r}: expected one of {', '.join(FORMATS)}")
    content = read_content(path)
    from_input = os.fspath(path) == "-"
    file = Path("standard input" if from_input else path)
    kind = format or file.suffix.lower().removeprefix(".")
    if not kind:
        kind = "qpy" if content.startswith(binary.MAGIC) else "qasm"
    elif kind not in FORMATS:
        raise mistake(
            file,
            f"has the suffix {file.suffix!r}; expected one of "
            f"{', '.join('.' + one for one in FORMATS)}, or a format ({', '.join(FORMATS)})",
        )
    if kind == "qpy":
        return binary.read(file, content)
    return [_read_qasm(file, content, kind, None if from_input else file.parent)]


def _read_qasm(file: Path, content: bytes, kind: str, folder: Path | None) -> QuantumCircuit:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise mistake(file, f"is not text in UTF-8 (byte {error.start})", line) from error
    code = _COMMENTS.sub(" ", text).strip()
    if not code:
        raise mistake(file, "holds nothing but comments")
    if named := _VERSION.match(code):
        version = named.group(1)
    elif kind == "qasm":
        version = "3" if _ONLY_IN_3.search(code) else "2"
    else:
        version = kind.removeprefix("qasm")
    if version == "2":
        circuit = openqasm2.read(file, text, folder)
    elif version == "3":
        circuit = openqasm3.read(file, text)
    else:
        shown = version if len(version) < 10 else f"of a version of {len(version)} digits"
        raise mistake(file, f"is OpenQASM {shown}; versions 2 and 3 are supported", 1)
    circuit.name = file.stem
    return circuit
