"""Errors of the readers of text, with file, line and column before the reason."""

from __future__ import annotations

import re
import struct
import traceback
from pathlib import Path
from typing import Any

from qiskit.exceptions import QiskitError

from simquay.errors import CircuitFileError, one_line

__all__ = ["MALFORMED", "at_offset", "from_reader", "mistake", "place_in"]

MALFORMED = (
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
"""Exceptions that Qiskit's readers raise for malformed content, beside their own errors."""

# "file:4,0: text" from OpenQASM 2, "4,0: text" from the importer of 3, "L4:C0: text" from its
# parser; all count columns from 0.
_PLACE = re.compile(r"""(?:[^"\n]*?:)?L?(\d+)(?:,|:C)(\d+):\s*(?P<text>.*)""", re.S)


def mistake(
    file: Path, reason: str, line: int | None = None, column: int | None = None
) -> CircuitFileError:
    """The error for what is wrong at a place, both from 1, where it is known."""
    place = ":".join(str(part) for part in (file, line, column) if part is not None)
    return CircuitFileError(f"{place}: {reason}", path=str(file), line=line, column=column)


def place_in(text: str, offset: int) -> tuple[int, int]:
    """The line and the column of a character, both from 1."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def at_offset(file: Path, text: str, offset: int, reason: str) -> CircuitFileError:
    """The error for what is wrong at a character of the file's text."""
    return mistake(file, reason, *place_in(text, offset))


def from_reader(error: Exception) -> tuple[str, int | None, int | None]:
    """The reason of a reader's error, with line and column, from 1, where it tells them."""
    text = error.message if isinstance(error, QiskitError) else str(error)
    reason = one_line(" ".join(text.split()), 500)
    if found := _PLACE.match(reason):
        return found.group("text"), int(found.group(1)), int(found.group(2)) + 1
    if isinstance(error, RecursionError):
        reason = "is nested too deeply"
    if (token := _token(error)) is not None:
        if not isinstance(error, RecursionError):
            word = "the end" if token.text == "<EOF>" else token.text
            reason = f"did not expect {word!r} here"
        return reason, token.line, token.column + 1
    if (span := _innermost(error, "node", "span")) is not None:
        return reason, span.start_line, span.start_column + 1
    return reason, None, None


def _token(error: Exception) -> Any:
    """The token that the parser of OpenQASM 3 does not accept; None where that is no reason."""
    if isinstance(error, RecursionError):
        return _innermost(error, "localctx", "start")
    for cause in getattr(error.__cause__, "args", ()):
        if (token := getattr(cause, "offendingToken", None)) is not None:
            return token
    return None


def _innermost(error: Exception, variable: str, attribute: str) -> Any:
    """The place of the innermost thing that was read when ``error`` was raised.

    The importer of OpenQASM 3 names no place in errors that Qiskit raises while it builds the
    circuit, such as those of an index. Its methods hold what they read in a variable ``node``,
    those of the parser in one named ``localctx``.
    """
    places = [
        place
        for frame, _ in traceback.walk_tb((error.__cause__ or error).__traceback__)
        if (place := getattr(frame.f_locals.get(variable), attribute, None)) is not None
    ]
    return places[-1] if places else None
