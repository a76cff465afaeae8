"""Messages on stderr, one line each: errors, warnings and log records."""

from __future__ import annotations

import logging
import re
import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any

from simquay.errors import SimquayWarning, one_line

__all__ = ["did_you_mean", "in_options", "log_messages", "say", "warning_messages"]

_LONGEST = 4000  # characters: a message may list all backends


def say(kind: str, message: str) -> None:
    """Print ``simquay: kind: message`` on stderr: one line that no terminal obeys."""
    print(f"simquay: {kind}: {one_line(' '.join(message.split()), _LONGEST)}", file=sys.stderr)


_IN_PYTHON = {
    r"\bsimquay\.get_backend\('([\w-]+)'\)": r"--backend \1",
    r"\b(?:option )?(method|precision|shots)='?([\w-]+)'?": r"--\1 \2",
    r"'noise_model'": "'noise_model' (--noise)",
}
"""How messages name calls and options in Python; and how the command line names them."""


def in_options(message: str) -> str:
    """The message of an error, with the options of the command line in the place of Python's."""
    for pattern, words in _IN_PYTHON.items():
        message = re.sub(pattern, words, message)
    return message


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """The end of a message about a name that does not exist: the closest of ``names``, if any."""
    close = get_close_matches(name, sorted(names), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


@contextmanager
def warning_messages() -> Iterator[None]:
    """Print Simquay's warnings in one line each; others as Python does. None is an error."""
    with warnings.catch_warnings():  # restores showwarning as well as the filters
        if any(action == "error" for action, *_ in warnings.filters):
            warnings.simplefilter("default")
        show_as_python = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
            if issubclass(category, SimquayWarning):
                say("warning", str(message))
            else:
                show_as_python(message, category, *place, **more)

        warnings.showwarning = show
        yield


class _Lines(logging.Handler):
    """Prints a record's message, with its traceback where there is one.

    stderr is looked up each time, since a progress bar replaces it, to print above the bar.
    """

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info:
            print(self.format(record), file=sys.stderr)
        else:
            say("note" if record.levelno < logging.ERROR else "error", record.getMessage())


@contextmanager
def log_messages(everything: bool) -> Iterator[None]:
    """Print the log records of Simquay and its plugins: warnings and above, or ``everything``."""
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
