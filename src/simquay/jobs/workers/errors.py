"""The one form in which an error crosses processes: plain data, with or without a pickle."""

from __future__ import annotations

import builtins
import contextlib
import pickle
from collections.abc import Mapping
from typing import Any

from simquay import errors
from simquay.errors import SimquayError
from simquay.jobs.errors import OriginalTraceback, detach

__all__ = ["RemoteError", "error_from_plain", "error_to_plain"]

_PLAIN = (str, int, float, bool, type(None))


class RemoteError(SimquayError):
    """Stands for an error of another process that cannot be rebuilt here; its text begins with the
    name of the error's class."""


def error_to_plain(error: BaseException, *, by_pickle: bool = False) -> dict[str, Any]:
    """``error`` as strings and numbers.

    Args:
        error: any exception; it loses its frames, as :func:`simquay.jobs.errors.detach` says.
        by_pickle: whether to add the exception as a pickle, as bytes, where it has one. For the
            pipe to a worker process only.
    """
    error = detach(error)
    trace = error.__cause__
    plain: dict[str, Any] = {
        "module": type(error).__module__,
        "class": type(error).__qualname__,
        "text": str(error),
        "arguments": [one for one in error.args if isinstance(one, _PLAIN)],
        "fields": {name: value for name, value in vars(error).items() if isinstance(value, _PLAIN)},
        "traceback": trace.text if isinstance(trace, OriginalTraceback) else "",
    }
    if by_pickle:
        # Here, since executors of other processes need no cloudpickle.
        from simquay.jobs.workers.pickling import pickled

        with contextlib.suppress(Exception):  # pickling runs the code of the error's own class
            data = pickled(error, unnamed=True)
            pickle.loads(data)
            plain["pickle"] = data
    return plain


def error_from_plain(plain: Mapping[str, Any], *, by_pickle: bool = False) -> BaseException:
    """The error again, where its class is Python's or Simquay's; else a :class:`RemoteError`.

    Its cause is the traceback that it had in the other process, as text.

    Args:
        plain: from :func:`error_to_plain`.
        by_pickle: whether to read the pickle, which gives errors of any class. Only for data from a
            process that this one has started.
    """
    error: object = None
    if by_pickle:
        # Code of the error's own class, whose module may be missing.
        with contextlib.suppress(Exception):
            error = pickle.loads(plain["pickle"])
    if not isinstance(error, BaseException):
        error = _rebuilt(plain) or RemoteError(f"{plain['class']}: {plain['text']}")
    error.__cause__ = OriginalTraceback(plain["traceback"])
    return error


def _rebuilt(plain: Mapping[str, Any]) -> BaseException | None:
    """The error from its class, arguments and fields, or None where that gives another text."""
    module = {"builtins": builtins, "simquay.errors": errors}.get(plain["module"])
    kind = getattr(module, plain["class"], None)
    if not (isinstance(kind, type) and issubclass(kind, Exception)):
        return None
    try:
        error = kind(*plain["arguments"])
        vars(error).update(plain["fields"])
    except (TypeError, ValueError):  # its constructor takes other arguments than ``args``
        return None
    return error if str(error) == plain["text"] else None
