"""Circuits from files: OpenQASM 2, OpenQASM 3 and QPY."""

from __future__ import annotations

import contextlib
import io
import os
import re
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from qiskit import QuantumCircuit, qasm2, qasm3, qpy
from qiskit.exceptions import MissingOptionalLibraryError, QiskitError

from simquay.errors import CircuitFileError

__all__ = ["SUFFIXES", "load_circuits"]

_QPY_MAGIC = b"QISKIT"
_COMMENTS = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
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


def load_circuits(path: str | os.PathLike[str]) -> list[QuantumCircuit]:
    """The circuits in a file: one from OpenQASM (``.qasm``, ``.qasm2``, ``.qasm3``), any number
    from QPY (``.qpy``).

    The version of OpenQASM is that of the file's first statement, or 2 where it names none. A
    circuit from OpenQASM gets the file's name without suffix. Files of OpenQASM 2 may include
    others of their folder, and the gates that Qiskit adds to ``qelib1.inc`` are known.

    Raises:
        CircuitFileError: if there is no such file, or it cannot be read or understood; with the
            line and column, where the file is OpenQASM and they are known.
    """
    file = Path(path)
    reader = _READERS.get(file.suffix.lower())
    if reader is None and not file.is_dir():
        known = ", ".join(SUFFIXES)
        kind = f"the suffix {file.suffix!r}" if file.suffix else "no suffix"
        raise CircuitFileError(f"{file}: has {kind}; expected one of {known}", path=str(file))
    try:
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
    assert reader is not None  # a folder has none, but reading it has failed above
    return reader(file, content)


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


def _read_qasm(file: Path, content: bytes) -> list[QuantumCircuit]:
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
    named = _VERSION.match(code)
    version = int(named.group(1)) if named else 2
    if version not in (2, 3):
        raise CircuitFileError(
            f"{file}: is OpenQASM {version}; versions 2 and 3 are supported", path=str(file)
        )
    circuit = _read_qasm2(file, text) if version == 2 else _read_qasm3(file, text)
    circuit.name = file.stem
    return [circuit]


def _read_qasm2(file: Path, text: str) -> QuantumCircuit:
    try:
        return qasm2.loads(
            text,
            include_path=(file.parent, *qasm2.LEGACY_INCLUDE_PATH),
            custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS,
            custom_classical=qasm2.LEGACY_CUSTOM_CLASSICAL,
        )
    except _MALFORMED as error:
        raise _at_place(file, "OpenQASM 2", error) from error


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
        raise _at_place(file, "OpenQASM 3", error) from error


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


def _at_place(file: Path, language: str, error: Exception) -> CircuitFileError:
    """A reader's error, with file, line and column before the text, as compilers write it."""
    text = error.message if isinstance(error, QiskitError) else str(error)
    line: int | None = None
    column: int | None = None
    found = _PLACE.match(text)
    if found:
        line, column = int(found.group(2)), int(found.group(3)) + 1
        text = found.group("text").strip()
        included = found.group("file")
        if included and included != "<input>":
            # The error is in a file that this one includes.
            return CircuitFileError(
                f"{file}: {language}, included file {included}:{line}:{column}: {text}",
                path=str(file),
            )
    else:
        line, column, word = _offending_token(error)
        if word is not None:
            text = f"did not expect {word!r} here"
    place = f"{file}:{line}:{column}" if line is not None else f"{file}"
    return CircuitFileError(
        f"{place}: {language}: {text}", path=str(file), line=line, column=column
    )


def _offending_token(error: Exception) -> tuple[int | None, int | None, str | None]:
    """Line, column and text of the token that the parser of OpenQASM 3 does not accept."""
    for cause in getattr(error.__cause__, "args", ()):
        token: Any = getattr(cause, "offendingToken", None)
        if token is not None:
            word = token.text
            return token.line, token.column + 1, "the end" if word == "<EOF>" else word
    return None, None, None


_READERS: dict[str, Callable[[Path, bytes], list[QuantumCircuit]]] = {
    ".qasm": _read_qasm,
    ".qasm2": _read_qasm,
    ".qasm3": _read_qasm,
    ".qpy": _read_qpy,
}

SUFFIXES = tuple(_READERS)
"""The suffixes of files that :func:`load_circuits` reads."""
