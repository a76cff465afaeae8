"""Messages on stderr, one line each: errors, and what others warn of and log."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from simquay.errors import SimquayWarning

__all__ = ["log_messages", "say", "warning_messages"]


def say(kind: str, message: str) -> None:
    """Print ``simquay: kind: message`` on stderr, without the line breaks it may hold."""
    print(f"simquay: {kind}: {' '.join(message.split())}", file=sys.stderr)


@contextmanager
def warning_messages() -> Iterator[None]:
    """Print Simquay's warnings as a shell user expects; others as Python does."""
    with warnings.catch_warnings():  # restores showwarning as well as the filters
        python_way = warnings.showwarning

        def show(
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: object = None,
            line: str | None = None,
        ) -> None:
            if issubclass(category, SimquayWarning):
                say("warning", str(message))
            else:
                python_way(message, category, filename, lineno, None, line)

        warnings.showwarning = show
        yield


class _Lines(logging.Handler):
    """Prints a record's message, with its traceback where there is one.

    stderr is looked up each time: a progress bar puts its own in place, to print above itself.
    """

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info:
            print(self.format(record), file=sys.stderr)
        else:
            say("note" if record.levelno < logging.ERROR else "error", record.getMessage())


@contextmanager
def log_messages(everything: bool) -> Iterator[None]:
    """Print what Simquay and its plugins log, warnings and above, or ``everything``."""
    logger, handler = logging.getLogger("simquay"), _Lines()
    level = logger.level
    logger.addHandler(handler)
    if everything:
        logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
