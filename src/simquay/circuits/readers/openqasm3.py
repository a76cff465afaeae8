"""The reader of OpenQASM 3: the importer that Qiskit names, on programs that have been checked.

The importer opens no file: the gates of ``stdgates.inc`` are its own. Its parser takes time and
memory in proportion to the text. The sizes in the tree that it makes are checked; then, where gates
are defined or modified, whose cost is not to be seen, a trial shows it.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from qiskit import QuantumCircuit

from simquay.circuits.readers.limited import tried
from simquay.circuits.readers.mistakes import MALFORMED, at_offset, from_reader, mistake
from simquay.circuits.readers.openqasm2 import MAX_BITS, MAX_BROADCAST, large_gates
from simquay.errors import CircuitFileError

if TYPE_CHECKING:
    from openqasm3 import ast

__all__ = ["read"]

MAX_TEXT = 2 << 20
"""The most characters: the parser takes half a KiB and 20 us for each."""
MAX_DEPTH = 100
"""The most brackets inside one another."""
MAX_DIGITS = 1000
TEXT_PER_SECOND = 50_000
"""Characters of a program for each second that its gates may take, beside the first."""
MEMORY = 1 << 30
_COPIED = 10_000
"""The size of a gate that may be the one which took too much, for the place of the error."""

_COSTLY = re.compile(r"\bgate\b|@")
_LEXER_LINE = re.compile(r"^line \d+:\d+ ")
_NOTABLE = re.compile(
    r'//[^\n]*|/\*.*?\*/|"[^"\n]*"|(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<digits>\d[\d_]{1000,})',
    re.S,
)


def read(file: Path, text: str) -> QuantumCircuit:
    """The circuit of a program.

    Args:
        file: named in errors.
        text: the program.

    Raises:
        CircuitFileError: if the program is malformed, too large, or what the importer does not
            support; with line and column, where they are known.
    """
    try:
        import openqasm3
        from openqasm3.parser import QASM3ParsingError
        from qiskit_qasm3_import import ConversionError, convert
    except ImportError as error:
        raise mistake(
            file,
            "is OpenQASM 3, whose reader is not installed; pip install qiskit-qasm3-import",
        ) from error
    if len(text) > MAX_TEXT:
        raise mistake(
            file, f"is longer than {MAX_TEXT} characters; QPY and OpenQASM 2 hold larger circuits"
        )
    _check_text(file, text)
    errors = (QASM3ParsingError, ConversionError, *MALFORMED)
    try:
        with _quiet_lexer():
            program = openqasm3.parse(text)
        _check_sizes(file, program)
        if _COSTLY.search(text):
            # What gates cost is not to be seen: each use of a gate copies all that is inside it,
            # a power is that of a matrix, and controls are synthesized.
            _try_gates(file, text, partial(convert, program), errors)
        return convert(program)
    except errors as error:
        raise _mistake(file, text, *from_reader(error)) from error


def _mistake(
    file: Path, text: str, reason: str, line: int | None, column: int | None
) -> CircuitFileError:
    if line is not None and column is not None:
        column = _true_column(text, line, column, reason)
    return mistake(file, f"OpenQASM 3: {reason}", line, column)


def _try_gates(
    file: Path,
    text: str,
    convert: Callable[[], QuantumCircuit],
    errors: tuple[type[Exception], ...],
) -> None:
    """Refuse a program whose conversion takes too much, or is an error."""

    def problem() -> str:
        try:
            convert()
        except errors as error:
            return json.dumps(from_reader(error))
        return ""

    seconds = 1 + len(text) // TEXT_PER_SECOND
    try:
        answer = tried(problem, seconds, MEMORY)
    except OSError as error:
        raise mistake(file, f"cannot be read in another process ({error})") from error
    if answer is None:
        reason = (
            f"OpenQASM 3: its gates take more than {seconds} s or {MEMORY >> 30} GiB to build; use "
            "fewer modifiers and gates within gates"
        )
        for offset, _ in large_gates(text, _COPIED):
            raise at_offset(file, text, offset, reason)
        raise mistake(file, reason)
    if answer:
        raise _mistake(file, text, *json.loads(answer))


def _check_text(file: Path, text: str) -> None:
    """Refuse nesting and numbers that the parser, or Python, cannot take."""
    depth = 0
    for found in _NOTABLE.finditer(text):
        depth += found.lastgroup == "open"
        depth -= found.lastgroup == "close"
        if depth > MAX_DEPTH:
            reason = f"more than {MAX_DEPTH} brackets are nested"
        elif found.lastgroup == "digits":
            reason = f"a number has more than {MAX_DIGITS} digits"
        else:
            continue
        raise at_offset(file, text, found.start(), f"OpenQASM 3: {reason}")


def _check_sizes(file: Path, program: ast.Program) -> None:
    """Refuse more bits, or more instructions on whole registers, than any simulator takes."""
    from openqasm3 import ast

    sizes: dict[str, int] = {}
    bits = named = 0
    span: ast.Span | None = None
    waiting: list[object] = [program]
    while waiting:
        node = waiting.pop()
        if isinstance(node, (list, tuple)):
            waiting += reversed(node)
            continue
        if not isinstance(node, ast.QASMNode):
            continue
        if isinstance(node, ast.Statement):
            span = node.span  # that of an identifier counts columns from the start of the text
        inside = [value for name, value in vars(node).items() if name != "span"]
        if isinstance(node, ast.QubitDeclaration):
            sizes[node.qubit.name] = size = _whole_number(node.size)
            bits += size
        elif isinstance(node, ast.ClassicalDeclaration) and isinstance(node.type, ast.BitType):
            sizes[node.identifier.name] = size = _whole_number(node.type.size)
            bits += size
        elif isinstance(node, ast.AliasStatement):
            sizes[node.target.name] = sum(sizes.values())
        elif isinstance(node, ast.IndexedIdentifier) and _is_one_bit(node):
            inside = []
        elif isinstance(node, (ast.BinaryExpression, ast.UnaryExpression)):
            inside = []  # arithmetic, and conditions, have no instructions
        elif isinstance(node, ast.Identifier):
            named += sizes.get(node.name, 0)
            if re.fullmatch(r"\$\d+", node.name):
                bits = max(bits, int(node.name[1:]) + 1)
        problem = ""
        if bits > MAX_BITS:
            problem = f"{bits} bits are more than {MAX_BITS}, the most of a program"
        elif named > MAX_BROADCAST:
            problem = f"statements on whole registers make more than {MAX_BROADCAST} instructions"
        if problem:
            place = (span.start_line, span.start_column + 1) if span else ()
            raise mistake(file, f"OpenQASM 3: {problem}", *place)
        waiting += reversed(inside)


def _whole_number(size: ast.Expression | None) -> int:
    """The value of the size of a register; 1 where there is none, 0 where the importer refuses it.

    Raises:
        ArithmeticError: for a division by zero.
    """
    from openqasm3 import ast

    if size is None:
        return 1
    if isinstance(size, ast.IntegerLiteral):
        return size.value
    if isinstance(size, ast.UnaryExpression) and size.op.name == "-":
        return -_whole_number(size.expression)
    if isinstance(size, ast.BinaryExpression):
        left, right = _whole_number(size.lhs), _whole_number(size.rhs)
        if size.op.name in ("+", "-"):
            return left + right if size.op.name == "+" else left - right
        if size.op.name in ("*", "/"):
            return left * right if size.op.name == "*" else left // right
    return 0


def _is_one_bit(node: ast.IndexedIdentifier) -> bool:
    from openqasm3 import ast

    return all(
        isinstance(index, list) and all(isinstance(one, ast.IntegerLiteral) for one in index)
        for index in node.indices
    )


@contextlib.contextmanager
def _quiet_lexer() -> Iterator[None]:
    """Keep the lines that the OpenQASM 3 lexer prints off stderr: its error says the same."""
    printed = io.StringIO()
    try:
        with contextlib.redirect_stderr(printed):
            yield
    finally:
        # Not by splitlines(): the lexer writes other separators of the program as they are.
        lines = printed.getvalue().split("\n")
        others = [line for line in lines if line and not _LEXER_LINE.match(line)]
        if others:
            print(*others, sep="\n", file=sys.stderr)


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
