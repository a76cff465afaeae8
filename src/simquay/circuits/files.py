"""Circuits from files: OpenQASM 2, OpenQASM 3 and QPY."""

from __future__ import annotations

import contextlib
import io
import os
import re
import struct
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qiskit import QuantumCircuit, qasm2, qasm3, qpy
from qiskit.exceptions import MissingOptionalLibraryError, QiskitError

from simquay.errors import CircuitFileError

__all__ = ["FORMATS", "load_circuits"]

FORMATS = ("qasm", "qasm2", "qasm3", "qpy")
"""The formats of circuits; ``qasm`` is OpenQASM of the version that the text shows."""

_QPY_MAGIC = b"QISKIT"
_COMMENTS = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_ONLY_IN_3 = re.compile(r"(?:^|;)\s*(?:qubit\b|bit\b|include\s*[\"']stdgates\.inc)")
_VERSION = re.compile(r"OPENQASM\s+(\d+)")
# "file:4,0: text" from OpenQASM 2, "4,0: text" from the importer of 3, "L4:C0: text" from its
# parser; all count columns from 0.
_PLACE = re.compile(r"""(?:(?P<file>[^"\n]*?):)?L?(\d+)(?:,|:C)(\d+):\s*(?P<text>.*)""", re.S)
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_LEXER_LINE = re.compile(r"^line \d+:\d+ ")

# Exceptions that the readers raise for malformed text, beside their own errors.
_MALFORMED = (
    QiskitError,
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    NotImplementedError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
)


def load_circuits(path: str | os.PathLike[str], format: str | None = None) -> list[QuantumCircuit]:
    """The circuits in a file: one from OpenQASM, any number from QPY.

    A circuit from OpenQASM gets the file's name without suffix. Files of OpenQASM 2 may include
    others of their folder, and the gates that Qiskit adds to ``qelib1.inc`` are known.

    Args:
        path: the file; ``"-"`` is standard input.
        format: one of :data:`FORMATS`. Without it, the suffix tells it (``.qasm``, ``.qasm2``,
            ``.qasm3``, ``.qpy``); where there is no suffix, the content does. The version of
            OpenQASM is that of the file's first statement. Where it names none, it is that of the
            suffix, or else 3 where the text declares a ``qubit`` or ``bit``, or includes
            ``stdgates.inc``, and 2 where it does not.

    Raises:
        CircuitFileError: if there is no such file, or it cannot be read or understood; with the
            line and column, where the file is OpenQASM and they are known.
        ValueError: if there is no such format.
    """
    if format is not None and format not in FORMATS:
        raise ValueError(f"format={format!r}: expected one of {', '.join(FORMATS)}")
    file = Path(path)
    try:
        if os.fspath(path) == "-":
            file = Path("standard input")
            with open(0, "rb", closefd=False) as stream:  # sys.stdin may be None, or hold text
                content = stream.read()
        else:
            content = file.read_bytes()
    except OSError as error:
        reason = {
            FileNotFoundError: "there is no such file",
            IsADirectoryError: "is a directory; give a file",
            PermissionError: "may not be read (permission denied)",
        }.get(type(error), f"cannot be read ({error.strerror or error})")
        raise CircuitFileError(f"{file}: {reason}", path=str(file)) from error
    if not content.strip():
        raise CircuitFileError(f"{file}: the file is empty", path=str(file))
    kind = format or file.suffix.lower().removeprefix(".")
    if not kind:
        kind = "qpy" if content.startswith(_QPY_MAGIC) else "qasm"
    elif kind not in FORMATS:
        raise CircuitFileError(
            f"{file}: has the suffix {file.suffix!r}; expected one of "
            f"{', '.join('.' + one for one in FORMATS)}, or a format ({', '.join(FORMATS)})",
            path=str(file),
        )
    if kind == "qpy":
        return _read_qpy(file, content)
    return [_read_qasm(file, content, kind)]


def _read_qpy(file: Path, content: bytes) -> list[QuantumCircuit]:
    if not content.startswith(_QPY_MAGIC):
        raise CircuitFileError(
            f"{file}: is not a QPY file (one that qiskit.qpy.dump wrote)", path=str(file)
        )
    try:
        circuits = qpy.load(io.BytesIO(content))
    except _MALFORMED as error:
        raise CircuitFileError(
            f"{file}: is no complete QPY file ({_qpy_reason(error)}); write it again",
            path=str(file),
        ) from error
    for circuit in circuits:
        if not isinstance(circuit, QuantumCircuit):
            raise CircuitFileError(
                f"{file}: holds a {type(circuit).__name__}; expected circuits", path=str(file)
            )
    if not circuits:
        raise CircuitFileError(f"{file}: holds no circuits", path=str(file))
    return list(circuits)


def _qpy_reason(error: Exception) -> str:
    """One line of a reader's report, which may be a coloured traceback."""
    text = _ANSI.sub("", error.message if isinstance(error, QiskitError) else str(error))
    found = re.search(r"Error: (.*)", text)
    return found.group(1).strip() if found else " ".join(text.split())


def _read_qasm(file: Path, content: bytes, kind: str) -> QuantumCircuit:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise CircuitFileError(
            f"{file}:{line}: is not text in UTF-8 (byte {error.start})", path=str(file), line=line
        ) from error
    code = _COMMENTS.sub(" ", text).strip()
    if not code:
        raise CircuitFileError(f"{file}: holds nothing but comments", path=str(file))
    if named := _VERSION.match(code):
        version = named.group(1)
    elif kind == "qasm":
        version = "3" if _ONLY_IN_3.search(code) else "2"
    else:
        version = kind.removeprefix("qasm")
    reader = {"2": _read_qasm2, "3": _read_qasm3}.get(version)
    if reader is None:
        raise CircuitFileError(
            f"{file}: is OpenQASM {version}; versions 2 and 3 are supported", path=str(file)
        )
    circuit = reader(file, text)
    circuit.name = file.stem
    return circuit


def _read_qasm2(file: Path, text: str) -> QuantumCircuit:
    try:
        return qasm2.loads(
            text,
            include_path=(file.parent, *qasm2.LEGACY_INCLUDE_PATH),
            custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS,
            custom_classical=qasm2.LEGACY_CUSTOM_CLASSICAL,
        )
    except _MALFORMED as error:
        raise _at_place(file, text, "OpenQASM 2", error) from error


def _read_qasm3(file: Path, text: str) -> QuantumCircuit:
    try:
        from openqasm3.parser import QASM3ParsingError
    except ImportError as error:
        raise _missing_importer(file) from error
    try:
        with _quiet_lexer():
            return qasm3.loads(text)
    except MissingOptionalLibraryError as error:
        raise _missing_importer(file) from error
    except (QASM3ParsingError, *_MALFORMED) as error:
        raise _at_place(file, text, "OpenQASM 3", error) from error


def _missing_importer(file: Path) -> CircuitFileError:
    return CircuitFileError(
        f"{file}: is OpenQASM 3, whose reader is not installed; pip install qiskit-qasm3-import",
        path=str(file),
    )


@contextlib.contextmanager
def _quiet_lexer() -> Iterator[None]:
    """Keep the lines that the OpenQASM 3 lexer prints off stderr: its error says the same."""
    printed = io.StringIO()
    try:
        with contextlib.redirect_stderr(printed):
            yield
    finally:
        others = [line for line in printed.getvalue().splitlines() if not _LEXER_LINE.match(line)]
        if others:
            print(*others, sep="\n", file=sys.stderr)


def _at_place(file: Path, text: str, language: str, error: Exception) -> CircuitFileError:
    """A reader's error, with file, line and column before the reason, as compilers write it."""
    reason = error.message if isinstance(error, QiskitError) else str(error)
    line: int | None = None
    column: int | None = None
    found = _PLACE.match(reason)
    if found:
        line, column = int(found.group(2)), int(found.group(3)) + 1
        reason = found.group("text").strip()
        included = found.group("file")
        if included and included != "<input>":
            # The error is in a file that this one includes.
            return CircuitFileError(
                f"{file}: {language}, included file {included}:{line}:{column}: {reason}",
                path=str(file),
            )
    elif (token := _offending_token(error)) is not None:
        line, column = token.line, token.column + 1
        word = "the end" if token.text == "<EOF>" else token.text
        reason = f"did not expect {word!r} here"
    elif (span := _span(error)) is not None:
        line, column = span.start_line, span.start_column + 1
    if line is not None and column is not None and language == "OpenQASM 3":
        column = _true_column(text, line, column, reason)
    place = ":".join(str(part) for part in (file, line, column) if part is not None)
    return CircuitFileError(
        f"{place}: {language}: {reason}", path=str(file), line=line, column=column
    )


def _true_column(text: str, line: int, column: int, reason: str) -> int | None:
    """The column of the one word of the line that the reason quotes, or else ``column``.

    The parser of OpenQASM 3 counts the columns of indexed identifiers from the start of the text.
    None where the line is shorter than ``column``.
    """
    lines = text.splitlines()
    shown = lines[line - 1] if line <= len(lines) else ""
    if quoted := re.search(r"'(\w+)'", reason):
        places = [found.start() for found in re.finditer(rf"\b{quoted.group(1)}\b", shown)]
        if len(places) == 1:
            return places[0] + 1
    return column if column <= len(shown) + 1 else None


def _offending_token(error: Exception) -> Any:
    """The token that the parser of OpenQASM 3 does not accept; None where that is no reason."""
    for cause in getattr(error.__cause__, "args", ()):
        if (token := getattr(cause, "offendingToken", None)) is not None:
            return token
    return None


def _span(error: Exception) -> Any:
    """The place of the innermost statement or expression that was read when ``error`` was raised.

    The importer of OpenQASM 3 names no place in errors that Qiskit raises while it builds the
    circuit, such as those of an index. Its methods hold what they read in a variable ``node``.
    """
    spans = [
        span
        for frame, _ in traceback.walk_tb((error.__cause__ or error).__traceback__)
        if (span := getattr(frame.f_locals.get("node"), "span", None)) is not None
    ]
    return spans[-1] if spans else None
