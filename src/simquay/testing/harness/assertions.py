"""Assertions of checks, and calls with a timeout."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import Future, wait
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from qiskit.providers import JobStatus

__all__ = [
    "CHECK_LIMIT",
    "CheckFailed",
    "call_with_timeout",
    "described",
    "exception_of",
    "in_thread",
    "raises",
    "reaches",
    "require",
    "require_equal",
    "returns",
    "wait_until",
]

T = TypeVar("T")

TIMEOUT = 30.0
"""Seconds after which a call or a condition counts as hanging."""

CHECK_LIMIT = 150.0
"""Seconds after which a check fails."""


class CheckFailed(AssertionError):
    """A backend failed a check; the text says what was seen, and what was expected."""


def described(error: BaseException) -> str:
    """The type and the text of an error; of a failed check, the text alone."""
    text = str(error) or type(error).__name__
    return text if isinstance(error, AssertionError) else f"{type(error).__name__}: {text}"


def require(kept: object, text: str) -> None:
    """Fail with ``text`` unless ``kept``.

    Raises:
        CheckFailed: with this text.
    """
    if not kept:
        raise CheckFailed(text)


def require_equal(found: object, expected: object, what: str) -> None:
    """Fail unless ``found == expected``; a truth value, a status and None equal only themselves.

    Raises:
        CheckFailed: that ``what`` is ``found``, and what was expected.
    """
    itself = expected is None or isinstance(expected, bool | Enum)
    if found is not expected if itself else found != expected:
        raise CheckFailed(f"{what} is {_shown(found)}; expected {_shown(expected)}")


def _shown(value: object) -> str:
    return str(value) if isinstance(value, Enum) else repr(value)


def in_thread(call: Callable[[], T]) -> Future[T]:
    """Call in a daemon thread; a call that hangs is left behind in it."""
    future: Future[T] = Future()

    def work() -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001  # it is raised again by future.result()
            future.set_exception(error)

    threading.Thread(target=work, name="simquay-check", daemon=True).start()
    return future


def call_with_timeout(call: Callable[[], T], seconds: float = TIMEOUT, what: str = "the call") -> T:
    """Call in a daemon thread; returns or raises what the call does.

    Args:
        call: without arguments.
        seconds: time limit.
        what: names the call in the error.

    Raises:
        CheckFailed: if it does not return in time.
    """
    future = in_thread(call)
    if not wait([future], seconds).done:
        raise CheckFailed(f"{what} did not return within {seconds:g} s")
    return future.result()


def returns(call: Callable[[], T], what: str, seconds: float = TIMEOUT) -> T:
    """The value that ``call()`` returns, which must not raise.

    Raises:
        CheckFailed: if it raises something, or does not return within ``seconds``.
    """
    values: list[T] = []
    error = exception_of(lambda: values.append(call()), seconds, what)
    if error is not None:
        raise CheckFailed(f"{what} raised {described(error)}") from error
    return values[0]


def exception_of(
    call: Callable[[], object], seconds: float = TIMEOUT, what: str = "the call"
) -> Exception | None:
    """The exception that ``call()`` raises, or None.

    Raises:
        CheckFailed: if it does not return within ``seconds``.
    """
    try:
        call_with_timeout(call, seconds, what)
    except CheckFailed:
        raise
    except Exception as error:  # noqa: BLE001  # whatever it is, the check judges it
        return error
    return None


def raises(
    call: Callable[[], object], *kinds: type[BaseException], what: str, seconds: float = TIMEOUT
) -> Exception:
    """The exception that ``call()`` raises, which must be an instance of each of ``kinds``.

    Raises:
        CheckFailed: if it raises nothing, something else, or does not return.
    """
    names = " and ".join(f"{kind.__module__}.{kind.__qualname__}" for kind in kinds)
    error = exception_of(call, seconds, what)
    if error is None or not all(isinstance(error, kind) for kind in kinds):
        seen = "nothing" if error is None else f"{type(error).__qualname__} ({error})"
        raise CheckFailed(f"{what} raised {seen}; expected an error that is a {names}") from error
    return error


def wait_until(condition: Callable[[], Any], seconds: float = TIMEOUT) -> bool:
    """Poll until ``condition()`` holds; returns whether it did within ``seconds``."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.002)
    return True


def reaches(job: Any, states: Collection[JobStatus], seconds: float = TIMEOUT) -> bool:
    """Poll until a job's status is one of ``states``; returns whether it was within ``seconds``."""
    return wait_until(lambda: job.status() in states, seconds)
