"""Running a plugin's code: any exception is survived."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

__all__ = ["Failure", "guarded"]

T = TypeVar("T")
_LONGEST_LINE = 400


@dataclass(frozen=True, slots=True)
class Failure:
    """An exception that a guarded call raised.

    It keeps the exception, and so the frames of its traceback, alive: records keep
    :attr:`text` and :attr:`details` only.

    Attributes:
        error: the exception.
    """

    error: BaseException

    @property
    def text(self) -> str:
        """The exception with the name of its class, in one line of bounded length."""
        text = guarded(self._described)
        if isinstance(text, Failure):  # its __str__ raised
            text = type(self.error).__name__
        return text if len(text) <= _LONGEST_LINE else text[: _LONGEST_LINE - 1] + "…"

    @property
    def details(self) -> str:
        """The traceback as text; the one line if the traceback cannot be printed."""
        lines = guarded(lambda: "".join(traceback.format_exception(self.error)))
        return self.text if isinstance(lines, Failure) else lines

    def _described(self) -> str:
        name, message = type(self.error).__name__, " ".join(str(self.error).split())
        if isinstance(self.error, SystemExit):
            return " ".join(f"it called sys.exit({self.error.code!r})".split())
        return f"{name}: {message}" if message else name


def guarded(call: Callable[[], T]) -> T | Failure:
    """The value of ``call()``, or a :class:`Failure` with the exception that it raised.

    This catches ``SystemExit`` (a plugin that calls ``sys.exit``) and other ``BaseException``
    classes too: extension modules written in Rust raise their panics as one.

    Raises:
        KeyboardInterrupt: the user interrupted the program; no failure of the plugin.
    """
    try:
        return call()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - a plugin's code may raise anything
        return Failure(error)
