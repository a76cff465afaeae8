"""How a check fails, and the few questions that all checks ask."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["Breach", "caught", "in_time", "raises", "require", "until"]

T = TypeVar("T")

PATIENCE = 30.0
"""Seconds that nothing here takes unless it hangs."""


class Breach(AssertionError):
    """A backend does not do what a check asks for; the text says what was expected."""


def require(kept: object, text: str) -> None:
    """Fail with ``text`` unless ``kept``.

    Raises:
        Breach: if not.
    """
    if not kept:
        raise Breach(text)


def in_time(call: Callable[[], T], seconds: float = PATIENCE, what: str = "the call") -> T:
    """What ``call()`` returns or raises, but a breach where it takes longer than ``seconds``.

    The call runs in a daemon thread of its own; one that hangs is left there.

    Raises:
        Breach: if it does not return in time.
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
        raise Breach(f"{what} did not return within {seconds:g} s")
    if raised:
        raise raised[0]
    return returned[0]


def caught(
    call: Callable[[], object], seconds: float = PATIENCE, what: str = "the call"
) -> Exception | None:
    """The exception that ``call()`` raises, or None."""
    try:
        in_time(call, seconds, what)
    except Breach:
        raise
    except Exception as error:  # noqa: BLE001  # whatever it is, the check judges it
        return error
    return None


def raises(
    call: Callable[[], object], *kinds: type[BaseException], what: str, seconds: float = PATIENCE
) -> Exception:
    """The exception that ``call()`` raises, which must be of every one of ``kinds``.

    Raises:
        Breach: if it raises nothing, something else, or does not return.
    """
    names = " and ".join(f"{kind.__module__}.{kind.__qualname__}" for kind in kinds)
    error = caught(call, seconds, what)
    if error is None:
        raise Breach(f"{what} raised nothing; expected an error that is a {names}")
    for kind in kinds:
        if not isinstance(error, kind):
            raise Breach(
                f"{what} raised {type(error).__qualname__} ({error}); "
                f"expected an error that is a {names}"
            ) from error
    return error


def until(condition: Callable[[], Any], seconds: float = PATIENCE) -> bool:
    """Wait until ``condition()`` holds; return whether it came to hold in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.002)
    return True
