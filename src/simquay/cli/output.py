"""The output of a command: stdout for it alone, whatever plugins print."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import TextIO

__all__ = ["output", "separate_output", "take_stdout"]

_taken: TextIO | None = None


def output() -> TextIO:
    """The stream for the output of the command that runs."""
    return sys.stdout if _taken is None else _taken


@contextlib.contextmanager
def separate_output() -> Iterator[None]:
    """What is printed on ``sys.stdout`` goes to stderr; :func:`output` is still stdout."""
    global _taken
    before, _taken = _taken, output()
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        _taken = before


def take_stdout() -> None:
    """Keep stdout for :func:`output` until the process ends.

    Everything else that is written to the file of stdout goes to stderr from now on: also by code
    in C, by worker processes, and by functions that run at the exit.
    """
    global _taken
    with contextlib.suppress(OSError, ValueError, AttributeError):  # no such file is open
        kept = os.dup(sys.stdout.fileno())
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        stream = os.fdopen(kept, "w", encoding=sys.stdout.encoding, errors="replace")
        _taken = stream
