"""The start of threads, which a system may refuse at any moment."""

from __future__ import annotations

import threading

__all__ = ["start_thread"]


def start_thread(thread: threading.Thread) -> None:
    """Start ``thread``, which is a new one.

    Where that fails, the thread is none, and whoever has counted on it must take that back.

    Raises:
        RuntimeError: the system has no more threads or no memory for one, or the interpreter is
            exiting; whatever the start itself has raised is the cause.
    """
    try:
        thread.start()
    except Exception as error:  # all errors of a start mean the same to its caller
        raise RuntimeError(
            f"no thread can be started: {str(error) or type(error).__name__}"
        ) from error
