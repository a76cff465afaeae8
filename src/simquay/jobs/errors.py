"""The errors of jobs. Each is a Qiskit ``JobError`` as well.

::

    qiskit JobError, SimquayError
    └── SimquayJobError
        ├── JobFailedError     the work failed
        ├── JobCancelledError  the job was cancelled; also concurrent.futures.CancelledError
        ├── JobTimedOutError   the job goes on; also Qiskit's JobTimeoutError and TimeoutError
        ├── JobStateError      the call does not fit the job's state or process
        ├── JobStoreError      the store of jobs cannot be read or written
        └── UnknownJobError    no job has this id; also LookupError

Between processes errors go as plain data; see :func:`error_to_plain`.
"""

from __future__ import annotations

import builtins
import contextlib
import pickle
import traceback
from collections.abc import Mapping, Sequence
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any

from qiskit.providers.exceptions import JobError, JobTimeoutError

from simquay import errors
from simquay.errors import PlainMessage, SimquayError

if TYPE_CHECKING:
    from qiskit.result import Result

__all__ = [
    "JobCancelledError",
    "JobFailedError",
    "JobStateError",
    "JobStoreError",
    "JobTimedOutError",
    "OriginalTraceback",
    "RemoteError",
    "SimquayJobError",
    "UnknownJobError",
    "as_text",
    "circuits_failed",
    "described",
    "detach",
    "error_from_plain",
    "error_to_plain",
    "unsuccessful",
    "with_results",
]


class SimquayJobError(PlainMessage, JobError, SimquayError):  # type: ignore[misc]  # Qiskit is untyped
    """The base of the errors that Simquay's jobs raise."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message)

    def __reduce__(self) -> tuple[Any, ...]:
        # The default would also pass the errno fields of OSError, a base of TimeoutError.
        return type(self), (self.message,), self.__dict__


class JobFailedError(SimquayJobError):
    """A job's work failed.

    ``__cause__`` is the exception that ended the work, where there is one; its own cause is an
    :class:`OriginalTraceback`, so a printed traceback shows where the work failed.

    Attributes:
        partial_result: the result of those circuits of the job that succeeded, or None.
    """

    def __init__(self, message: str = "", partial_result: Result | None = None) -> None:
        super().__init__(message)
        self.partial_result = partial_result


class JobCancelledError(SimquayJobError, CancelledError):
    """The job was cancelled, so it has no result."""


class JobTimedOutError(
    SimquayJobError,
    JobTimeoutError,  # type: ignore[misc]  # Qiskit is untyped
    TimeoutError,
):
    """The time to wait is over; the job goes on."""


class JobStateError(SimquayJobError):
    """The call does not fit: not submitted yet, submitted already, or another process's job."""


class JobStoreError(SimquayJobError):
    """The store of jobs cannot be read, or holds what this version of Simquay cannot read."""


class UnknownJobError(SimquayJobError, LookupError):
    """No job with this id is known in this process, or in the store, or none any more."""


class OriginalTraceback(Exception):
    """The cause of a job's original exception: its traceback, as text."""

    def __init__(self, text: str = "") -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f'\n"""\n{self.text}"""'


def described(error: BaseException) -> str:
    """An error in words: its class and its text."""
    text = _text_of(error)
    if not text and isinstance(error, MemoryError):
        text = "the system refused memory"
    return f"{type(error).__name__}: {text}"


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as of_text:  # noqa: BLE001  # code of the error's own class
        return f"(its text cannot be had: {type(of_text).__name__})"


def circuits_failed(
    failures: Mapping[int, BaseException],
    names: Sequence[str],
    partial_result: Result | None,
    advice: str = "",
) -> JobFailedError:
    """The error of a job of which circuits failed; its cause is that of the first.

    Args:
        failures: the errors of circuits, by their numbers in the job; at least one.
        names: of all circuits of the job.
        partial_result: of the other circuits, or None.
        advice: what to do about the first, or nothing.
    """
    first = min(failures)
    cause = failures[first]
    text = f"circuit {names[first]!r} (number {first} of the job) failed: "
    text += described(cause)
    if advice:
        text += f"; {advice}"
    if len(failures) > 1:
        text += f"; {len(failures)} of {len(names)} circuits failed"
    failure = JobFailedError(text, partial_result)
    failure.__cause__ = cause
    return failure


def detach(error: BaseException) -> BaseException:
    """``error`` with its traceback turned into text; it then keeps no frame alive.

    A traceback holds the frames of the work, and these the circuits and the state. The text goes
    into ``error.__cause__``; it includes the tracebacks of the error's causes and contexts. A
    :class:`JobFailedError` only carries its cause, which is detached in its place.
    """
    cause = error.__cause__
    if isinstance(error, JobFailedError) or isinstance(cause, OriginalTraceback):
        _set(error, "__traceback__", None)  # it may have been raised again since
        _set(error, "__context__", None)
        if cause is not None and not isinstance(cause, OriginalTraceback):
            detach(cause)
        return error
    try:
        text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    except Exception:  # noqa: BLE001  # no memory, or code of the error's own class
        text = described(error)
    _cut(error)
    _set(error, "__cause__", OriginalTraceback(text))
    return error


_set = BaseException.__setattr__  # an error's own class may refuse, as a frozen dataclass does


def _cut(error: BaseException) -> None:
    """Drop the tracebacks and objects of ``error`` and of every error linked to it."""
    seen: dict[int, BaseException] = {}
    left: list[object] = [error]
    while left:  # without recursion: an error may have thousands of contexts
        one = left.pop()
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen[id(one)] = one
        left += (one.__cause__, one.__context__, *getattr(one, "exceptions", ()))
        _set(one, "__traceback__", None)
        _set(one, "__context__", None)
        _set(one, "__cause__", None)
        if isinstance(one, AttributeError):
            one.obj = None  # the object whose attribute was missing: perhaps the state


def as_text(cause: BaseException | None) -> OriginalTraceback | None:
    """A cause that any process can read: whatever class it had, its traceback as text."""
    if cause is None or isinstance(cause, OriginalTraceback):
        return cause
    earlier = cause.__cause__
    return OriginalTraceback(
        earlier.text if isinstance(earlier, OriginalTraceback) else f"{described(cause)}\n"
    )


def unsuccessful(result: Result) -> tuple[str, None, Result | None]:
    """The error text and the partial result of a result whose ``success`` is false."""
    results = result.results or []
    failures = [
        f"{(getattr(one, 'header', None) or {}).get('name', index)}: "
        f"{getattr(one, 'status', None) or 'no reason given'}"
        for index, one in enumerate(results)
        if not one.success
    ]
    text = "; ".join(failures) or str(result.status or "the result says that it did not succeed")
    good = [one for one in results if one.success]
    return text, None, with_results(result, good) if good else None


def with_results(result: Result, results: list[Any]) -> Result:
    """A copy of ``result`` that has other circuits' results."""
    copied = type(result).from_dict({**result.to_dict(), "results": []})
    copied.results = results
    return copied


# --- errors on their way between processes: plain data, with or without a pickle ------------------

_PLAIN = (str, int, float, bool, type(None))


class RemoteError(SimquayError):
    """Stands for an error of another process that cannot be rebuilt here; its text begins with the
    name of the error's class."""


def error_to_plain(error: BaseException, *, by_pickle: bool = False) -> dict[str, Any]:
    """``error`` as strings and numbers.

    Args:
        error: any exception; it loses its frames, as :func:`detach` says.
        by_pickle: whether to add the exception as a pickle, as bytes, where it has one. For the
            pipe to a worker process only.
    """
    error = detach(error)
    trace = error.__cause__
    plain: dict[str, Any] = {
        "module": type(error).__module__,
        "class": type(error).__qualname__,
        "text": _text_of(error),
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
