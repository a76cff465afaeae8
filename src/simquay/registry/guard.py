"""The plugin guard: the one place that survives whatever a plugin's code does."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

__all__ = ["Failure", "guarded", "one_line"]

T = TypeVar("T")
_LONGEST_LINE = 400


@dataclass(frozen=True, slots=True)
class Failure:
    """What a guarded call raised.

    It keeps the exception, and so the frames of its traceback, alive: records keep
    :attr:`text` and :attr:`details` only.

    Attributes:
        error: the exception.
    """

    error: BaseException

    @property
    def text(self) -> str:
        """The exception in one line."""
        return one_line(self.error)

    @property
    def details(self) -> str:
        """The traceback as text, or the one line where the traceback cannot be printed."""
        lines = guarded(lambda: "".join(traceback.format_exception(self.error)))
        return self.text if isinstance(lines, Failure) else lines


def guarded(call: Callable[[], T]) -> T | Failure:
    """``call()``, or a :class:`Failure` with what it raised.

    Survived are all exceptions, ``SystemExit`` (a plugin that calls ``sys.exit``) and other
    ``BaseException`` classes (extension modules written in Rust raise their panics as one).

    Raises:
        KeyboardInterrupt: it is the user's wish to stop, whatever code happens to be running.
    """
    try:
        return call()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - a plugin's code may raise anything
        return Failure(error)


def one_line(error: BaseException) -> str:
    """``error`` with the name of its class, in one line of bounded length."""
    text = guarded(lambda: _described(error))
    if isinstance(text, Failure):  # its __str__ raised
        text = type(error).__name__
    return text if len(text) <= _LONGEST_LINE else text[: _LONGEST_LINE - 1] + "…"


def _described(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return " ".join(f"it called sys.exit({error.code!r})".split())
    message = " ".join(str(error).split())
    return f"{type(error).__name__}: {message}" if message else type(error).__name__
