"""The reader of OpenQASM 2: Qiskit's, on text whose files and sizes have been checked.

Qiskit's parser opens no file: this module puts the text of included files in place. Registers, and
statements on whole registers, are counted before it gets the text, since a few bytes can ask for
any number of qubits or instructions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from qiskit import QuantumCircuit, qasm2

from simquay.circuits.lowering.expansion import CIRCUIT, MAX_EXPANDED
from simquay.circuits.readers.content import read_content
from simquay.circuits.readers.mistakes import MALFORMED, from_reader, mistake, place_in
from simquay.errors import CircuitFileError

__all__ = ["MAX_BITS", "MAX_BROADCAST", "large_gates", "read"]

MAX_BITS = 100_000
"""The most qubits and classical bits of a circuit from a text."""
MAX_BROADCAST = 500_000
"""The most bits that all statements on whole registers name."""
MAX_TEXT = 64 << 20
"""The most characters, those of included files with them."""
MAX_INCLUDES = 100
_SIZE = f"{MAX_EXPANDED} instructions, when definitions stand in place of gates"

_STANDARD = "qelib1.inc"  # the parser has it
_INCLUDE = re.compile(r"""//[^\n]*|\binclude\s*(?:"([^"\n]*)"|'([^'\n]*)')\s*;""")
_VERSION = re.compile(r"(?:\s|//[^\n]*)*(OPENQASM\s+2(?:\.[0-9]+)?\s*;)")
_COMMENT = re.compile(r"//[^\n]*")
_REGISTER = re.compile(r"\b[qc]reg\s+(\w+)\s*\[\s*([0-9]+)")
_LARGE_NUMBER = re.compile(r"(?:\[|\bOPENQASM\s+2\.)\s*([0-9]{10,})")
_STEP = re.compile(
    r"\bgate\s+(?P<gate>\w+)|(?P<sign>[{};])\s*(?!gate\b|if\b)(?P<use>\w*)"
    r"|\bif\s*\([^()]*\)\s*(?P<used_if>\w+)"
)
_WHOLE = re.compile(r"\b[A-Za-z_]\w*\b(?!\s*(?:\[|==))")


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of the text that the parser gets: characters ``start`` to ``stop`` of a file.

    Attributes:
        name: of the included file, as it is included; empty for the file that is read.
        text: the whole text of that file.
    """

    name: str
    text: str
    start: int
    stop: int

    def mistake(self, file: Path, offset: int, reason: str) -> CircuitFileError:
        """The error for what is wrong at an offset from the start of the piece.

        An included file's text is not told: it may be one that the author of ``file`` cannot read.
        """
        line, column = place_in(self.text, self.start + offset)
        if not self.name:
            return mistake(file, f"OpenQASM 2: {reason}", line, column)
        return mistake(
            file, f"OpenQASM 2, included file {self.name}:{line}:{column}: is not valid there"
        )


def read(file: Path, text: str, folder: Path | None) -> QuantumCircuit:
    """The circuit of a program.

    Args:
        file: named in errors.
        text: the program.
        folder: that of the files which it may include, with all folders below; None for none.

    Raises:
        CircuitFileError: if the program is malformed, too large, or includes a file that is not in
            the folder; with line and column.
    """
    pieces = list(_pieces(file, text, folder))
    whole = "".join(piece.text[piece.start : piece.stop] + " " for piece in pieces)
    if len(whole) > MAX_TEXT:
        raise mistake(file, f"is longer than {MAX_TEXT} characters; QPY holds larger circuits")
    try:
        for offset, reason in _excesses(whole):
            raise _at(file, pieces, offset, reason)
        return qasm2.loads(
            whole,
            include_path=(),
            custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS,
            custom_classical=qasm2.LEGACY_CUSTOM_CLASSICAL,
        )
    except MALFORMED as error:
        reason, line, column = from_reader(error)
        if line is None or column is None:
            raise mistake(file, f"OpenQASM 2: {reason}") from error
        offset = _start_of_line(whole, line) + column - 1
        raise _at(file, pieces, offset, reason) from error


def _pieces(file: Path, text: str, folder: Path | None) -> Iterator[_Piece]:
    """The text, with that of the included files in place of the statements which include them."""
    inside = None if folder is None else folder.resolve()
    included = 0

    def pieces_of(name: str, text: str, around: tuple[Path, ...]) -> Iterator[_Piece]:
        nonlocal included
        start = 0
        for found in _INCLUDE.finditer(text):
            wanted = found[1] or found[2]
            if not wanted or wanted == _STANDARD:
                continue
            place = _Piece(name, text, found.start(1 if found[1] else 2) - 1, found.end())
            yield _Piece(name, text, start, found.start())
            start = found.end()
            included += 1
            if included > MAX_INCLUDES:
                raise place.mistake(file, 0, f"more than {MAX_INCLUDES} files are included")
            try:
                if inside is None:
                    raise CircuitFileError("standard input has no folder to include files from")
                target = (inside / wanted).resolve()
                if not target.is_relative_to(inside):
                    raise CircuitFileError("is not in the folder of the program or below")
                if target in around:
                    raise CircuitFileError("includes itself")
                inner = read_content(target).decode("utf-8-sig")
            except CircuitFileError as error:
                reason = str(error).removeprefix(f"{error.path}: ")
                raise place.mistake(file, 0, f"cannot include {wanted!r}: {reason}") from error
            except (OSError, RuntimeError, ValueError) as error:  # a loop of links, a NUL, no text
                raise place.mistake(file, 0, f"cannot include {wanted!r}: is no text") from error
            if version := _VERSION.match(inner):
                inner = inner[: version.start(1)] + inner[version.end(1) :]
            yield from pieces_of(wanted, inner + "\n", (*around, target))
        yield _Piece(name, text, start, len(text))

    yield from pieces_of("", text, ())


def _at(file: Path, pieces: list[_Piece], offset: int, reason: str) -> CircuitFileError:
    """The error for what is wrong at an offset of the whole text."""
    for piece in pieces:
        length = piece.stop - piece.start + 1
        if offset < length or piece is pieces[-1]:
            return piece.mistake(file, offset, reason)
        offset -= length
    raise AssertionError("there is a piece, if an empty one")


def _start_of_line(text: str, line: int) -> int:
    offset = 0
    for _ in range(line - 1):
        offset = text.find("\n", offset) + 1
    return offset


def _excesses(text: str) -> Iterator[tuple[int, str]]:
    """Sizes that are too large, each with its offset and what is wrong with it."""
    code = _COMMENT.sub(lambda found: " " * len(found[0]), text)
    for found in _LARGE_NUMBER.finditer(code):
        yield found.start(1), f"a number of {len(found[1])} digits is too large here"
    yield from large_gates(code)
    sizes: dict[str, int] = {}
    bits = 0
    for found in _REGISTER.finditer(code):
        sizes[found[1]] = int(found[2])
        bits += sizes[found[1]]
        if bits > MAX_BITS:
            yield found.start(2), f"{bits} bits are more than {MAX_BITS}, the most of a program"
    if code.count(";") * max(sizes.values(), default=0) <= MAX_BROADCAST:
        return
    named = 0
    for found in _WHOLE.finditer(code):
        named += sizes.get(found[0], 0)
        if named > MAX_BROADCAST:
            yield (
                found.start(),
                f"statements on whole registers make more than {MAX_BROADCAST} instructions",
            )


def large_gates(code: str, most: int = MAX_EXPANDED) -> Iterator[tuple[int, str]]:
    """The first gate whose definition, or use, makes the size larger than lowering takes.

    Lowering finds it too, but not at once where parameters differ from use to use.
    """
    sizes: dict[str, int] = {}
    gate, inside, total = "", False, 0
    for found in _STEP.finditer(code) if "gate" in code else ():
        used = found["use"] or found["used_if"]
        if found["gate"]:
            gate = found["gate"]
            sizes[gate] = CIRCUIT
        elif found["sign"] in ("{", "}"):
            inside = found["sign"] == "{"
        if used:
            if inside:
                sizes[gate] = sizes.get(gate, 0) + 1 + sizes.get(used, 0)
            else:
                total += sizes.get(used, 0)
        if max(total, sizes.get(gate, 0)) > most:
            name = gate if inside else used
            yield found.start(), f"gate {name!r} makes the program larger than {_SIZE}"
            return
