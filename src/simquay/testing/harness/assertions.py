"""Assertions of checks, and calls with a timeout."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["CheckFailed", "call_with_timeout", "exception_of", "raises", "require", "wait_until"]

T = TypeVar("T")

TIMEOUT = 30.0
"""Seconds after which a call or a condition counts as hanging."""


class CheckFailed(AssertionError):
    """A backend failed a check; the text says what was seen, and what was expected."""


def require(kept: object, text: str) -> None:
    """Fail with ``text`` unless ``kept``.

    Raises:
        CheckFailed: with this text.
    """
    if not kept:
        raise CheckFailed(text)


def call_with_timeout(call: Callable[[], T], seconds: float = TIMEOUT, what: str = "the call") -> T:
    """Call in a daemon thread; returns or raises what the call does.

    A call that hangs is left behind in its thread.

    Args:
        call: without arguments.
        seconds: time limit.
        what: names the call in the error.

    Raises:
        CheckFailed: if it does not return in time.
    """
    returned: list[T] = []
    raised: list[BaseException] = []

    def work() -> None:
        try:
            returned.append(call())
        except BaseException as error:  # noqa: BLE001  # it is raised again in the caller's thread
            raised.append(error)

    thread = threading.Thread(target=work, name="simquay-check", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise CheckFailed(f"{what} did not return within {seconds:g} s")
    if raised:
        raise raised[0]
    return returned[0]


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
    if error is None:
        raise CheckFailed(f"{what} raised nothing; expected an error that is a {names}")
    for kind in kinds:
        if not isinstance(error, kind):
            raise CheckFailed(
                f"{what} raised {type(error).__qualname__} ({error}); "
                f"expected an error that is a {names}"
            ) from error
    return error


def wait_until(condition: Callable[[], Any], seconds: float = TIMEOUT) -> bool:
    """Poll until ``condition()`` holds; returns whether it did within ``seconds``."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.002)
    return True
