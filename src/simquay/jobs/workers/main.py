"""The worker process: a Python that calls :func:`main`, started by Simquay alone.

It runs circuits on foreign backends, so that a run can be stopped: by ending the process. The main
thread runs the foreign code; another thread watches the run and the pipe. The process ends with the
one that started it, by the first of:

- the pipe is closed;
- the process has another parent than before;
- on Linux, a signal of the kernel, which works even while foreign code lets no thread run.

Each message is a pickle; nothing else than this pipe carries pickles. The first message to the
worker is the source of the backend that will be asked for first, or None; ``("ready",)`` answers
it. Each further one is a run: a tuple of the backend's key, its source where the worker does not
have it, a key that is to be forgotten, and the circuits and options, pickled. The answers are::

    ("accepted",)       if the worker dies from now on, the run may have done something
    ("status", name)    the run has a new JobStatus; None is a heartbeat
    ("done", result)
    ("cancelled", text)                         the backend has cancelled the run by itself
    ("failed", text, error, partial result)     the error as ``error_to_plain`` gives it

of which one of the last three is the last.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import pickle
import signal
import sys
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simquay.jobs.external.watch import Watchdog

__all__ = ["main"]

_PR_SET_PDEATHSIG = 1


def _serve(pipe: Connection, parent: int) -> None:
    """Answer the messages, one after another, until the other end is gone.

    Raises:
        EOFError, OSError: it is gone.
    """
    # Import Qiskit and the code that reads circuits before a run waits for them.
    from simquay.jobs.external.watch import Watchdog
    from simquay.jobs.workers.pickling import pickled

    def send(*message: object) -> None:
        pipe.send_bytes(pickled(message, unnamed=True))

    watchdog = Watchdog(
        # The other end sends nothing during a run: what can be read is its end.
        lambda: os.getppid() == parent and not pipe.poll(),
        lambda status: send("status", None if status is None else status.name),
        _leave,
    )
    backends: dict[str, Any] = {}
    source = pickle.loads(pipe.recv_bytes())
    if source is not None:
        # Foreign code may raise anything; the run will say what is wrong.
        with contextlib.suppress(Exception):
            backends[source.key] = source.make()
    gc.freeze()  # imported modules stay: a collection during a run need not look at them
    send("ready")
    while True:
        key, source, forgotten, body = pickle.loads(pipe.recv_bytes())
        send("accepted")
        backends.pop(forgotten, None)
        send(*_run(backends, key, source, body, watchdog))


def _run(
    backends: dict[str, Any], key: str, source: Any, body: bytes, watchdog: Watchdog
) -> tuple[Any, ...]:
    """Run circuits; returns the message that ends the run."""
    from simquay.errors import Cancelled
    from simquay.jobs.errors import JobFailedError, described, error_to_plain
    from simquay.jobs.external.circuits import run_circuits

    try:
        with watchdog:
            if key not in backends:
                if source is None:
                    raise RuntimeError("the backend was not sent")
                backends[key] = source.make()
            circuits, options = pickle.loads(body)
            result = run_circuits(
                backends[key], circuits, options, attempt=watchdog.attempt, again=True
            )
        return "done", result
    except Cancelled as error:
        return "cancelled", str(error)
    except JobFailedError as error:
        plain = error_to_plain(error.__cause__ or error, by_pickle=True)
        return "failed", error.message, plain, error.partial_result
    except BaseException as error:  # noqa: BLE001  # the job boundary: all failures end here
        return "failed", described(error), error_to_plain(error, by_pickle=True), None


def _leave(code: int) -> None:
    """End the process now: foreign threads and exit handlers must not keep it."""
    for stream in (sys.stdout, sys.stderr):
        # It is closed, nobody reads it, or foreign code has put something else in its place.
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(code)


def _end_with(parent: int) -> None:
    """Ask Linux to kill this process when the thread that started it ends.

    That thread lives as long as its process: see :class:`~simquay.jobs.workers.pool.ProcessPool`.
    """
    if sys.platform == "linux":
        # A C library may be without it: then the end of the pipe ends this process.
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it had ended before the kernel was asked
        os._exit(0)


def main(descriptor: int, parent: int) -> None:
    """Serve until the process at the other end is gone; never returns.

    Args:
        descriptor: of the socket that is our end of the pipe.
        parent: the id of the process at the other end.
    """
    code = 1
    try:
        _end_with(parent)
        _serve(Connection(descriptor), parent)
    except (EOFError, ConnectionError):
        code = 0
    except BaseException:  # noqa: BLE001  # the process ends here; sys.excepthook is never reached
        sys.excepthook(*sys.exc_info())
    finally:
        _leave(code)
