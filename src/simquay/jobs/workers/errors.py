"""Errors of another process as plain data: kind, text and traceback, without pickles."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from typing import Any

from simquay import errors
from simquay.errors import SimquayError
from simquay.jobs.errors import OriginalTraceback, detach

__all__ = ["RemoteError", "error_from_plain", "error_to_plain"]

_PLAIN = (str, int, float, bool, type(None))


class RemoteError(SimquayError):
    """An error of another process, of a class that is neither Python's nor Simquay's own; the
    text begins with the class's name."""


def error_to_plain(error: BaseException) -> dict[str, Any]:
    """``error`` as strings and numbers; it loses its frames, as :func:`detach` says."""
    error = detach(error)
    trace = error.__cause__
    return {
        "module": type(error).__module__,
        "class": type(error).__qualname__,
        "text": str(error),
        "arguments": [one for one in error.args if isinstance(one, _PLAIN)],
        "fields": {name: value for name, value in vars(error).items() if isinstance(value, _PLAIN)},
        "traceback": trace.text if isinstance(trace, OriginalTraceback) else "",
    }


def error_from_plain(plain: Mapping[str, Any]) -> BaseException:
    """The error again, where it is one of Python's or Simquay's own; else a :class:`RemoteError`.

    Its cause is the traceback that it had there, as text.
    """
    error = _rebuilt(plain)
    if error is None or str(error) != plain["text"]:
        error = RemoteError(f"{plain['class']}: {plain['text']}")
    error.__cause__ = OriginalTraceback(plain["traceback"])
    return error


def _rebuilt(plain: Mapping[str, Any]) -> BaseException | None:
    home = {"builtins": builtins, "simquay.errors": errors}.get(plain["module"])
    kind = getattr(home, plain["class"], None)
    if not (isinstance(kind, type) and issubclass(kind, Exception)):
        return None
    try:
        error = kind(*plain["arguments"])
        vars(error).update(plain["fields"])
    except (TypeError, ValueError):  # it takes something else than what it was shown with
        return None
    return error
