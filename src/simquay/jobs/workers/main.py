"""The worker process: ``python -m simquay.jobs.workers.main``, started by Simquay alone.

It runs circuits on foreign backends, so that a run can be stopped: by ending the process. The main
thread runs the foreign code; another thread watches the run and the pipe. The process ends with the
one that started it, by the first of:

- the pipe is closed;
- the process has another parent than before;
- on Linux, a signal of the kernel, which works even while foreign code lets no thread run.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import pickle
import signal
import socket
import sys
import threading
from typing import TYPE_CHECKING, Any

from simquay.jobs.workers.channel import Channel, ChannelClosed

if TYPE_CHECKING:
    from qiskit.providers.jobstatus import JobStatus

    from simquay.jobs.workers.messages import BackendSource, Run
    from simquay.jobs.workers.watchdog import Watchdog

__all__ = ["main"]

_PR_SET_PDEATHSIG = 1


class _Server:
    """Answers the messages of the channel, one after another."""

    def __init__(self, channel: Channel, parent: int) -> None:
        from simquay.jobs.workers.messages import RecentKeys

        self._channel = channel
        self._sending = threading.Lock()
        self._parent = parent
        self._backends: dict[str, Any] = {}
        self._recent = RecentKeys()
        self._watchdog: Watchdog | None = None

    def serve(self) -> None:
        """Answer until the other end is gone.

        Raises:
            ChannelClosed: it is gone.
        """
        from simquay.jobs.workers.messages import Prepare, Ready, Run

        while True:
            message = pickle.loads(self._channel.receive())
            if isinstance(message, Prepare):
                self._prepare(message.source)
                self._send(Ready())
            elif isinstance(message, Run):
                self._send(self._run(message))

    def _send(self, message: object) -> None:
        data = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
        with self._sending:
            self._channel.send(data)

    def _prepare(self, source: BackendSource | None) -> None:
        # Import Qiskit and the code that reads circuits before a run waits for them.
        import simquay.jobs.external.circuits
        import simquay.jobs.workers.pickling  # noqa: F401  # imported to be there
        from simquay.jobs.workers.watchdog import Watchdog

        self._watchdog = Watchdog(self._check, self._report, _leave, self._beat)
        if source is not None:
            # Foreign code may raise anything; the run will say what is wrong.
            with contextlib.suppress(Exception):
                self._backend(source.key, source)
        gc.freeze()  # imported modules stay: a collection during a run need not look at them

    def _backend(self, key: str, source: BackendSource | None) -> Any:
        if key not in self._backends:
            if source is None:
                raise RuntimeError("the backend was not sent")
            self._backends[key] = source.make()
        return self._backends[key]

    def _run(self, request: Run) -> object:
        """Run circuits; returns the message that ends the run."""
        from simquay.errors import Cancelled
        from simquay.jobs.errors import JobFailedError
        from simquay.jobs.external.circuits import run_circuits
        from simquay.jobs.workers.errors import error_to_plain
        from simquay.jobs.workers.messages import Accepted, CancelledByBackend, Done, Failed

        self._send(Accepted())
        forgotten = self._recent.use(request.key)
        if forgotten is not None:
            self._backends.pop(forgotten, None)
        assert self._watchdog is not None  # the first message has made it
        try:
            with self._watchdog:
                backend = self._backend(request.key, request.source)
                circuits, options = pickle.loads(request.body)
                attempt = self._watchdog.attempt
                result = run_circuits(backend, circuits, options, attempt=attempt, again=True)
            return Done(result)
        except ChannelClosed:
            raise
        except Cancelled as error:
            return CancelledByBackend(str(error))
        except JobFailedError as error:
            cause = error.__cause__
            packed = None if cause is None else error_to_plain(cause, pickled=True)
            return Failed(error.message, packed, error.partial_result)
        except BaseException as error:  # noqa: BLE001  # the job boundary: all failures end here
            packed = error_to_plain(error, pickled=True)
            return Failed(f"{type(error).__name__}: {error}", packed, None)

    def _check(self) -> None:
        if os.getppid() != self._parent or self._channel.hung_up():
            raise ChannelClosed("nobody waits for this run")

    def _beat(self) -> None:
        from simquay.jobs.workers.messages import Heartbeat

        self._send(Heartbeat())

    def _report(self, status: JobStatus) -> None:
        from simquay.jobs.workers.messages import Status

        self._send(Status(status.name))


def _leave(code: int) -> None:
    """End the process now: foreign threads and exit handlers must not keep it."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # closed, or nobody reads it
            stream.flush()
    os._exit(code)


def _end_with(parent: int) -> None:
    """Ask Linux to kill this process when the thread that started it ends.

    That thread lives as long as its process: see :class:`~simquay.jobs.workers.pool.ProcessPool`.
    """
    if sys.platform == "linux":
        try:
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        except (
            OSError,
            AttributeError,
        ):  # a C library without it: the end of the pipe ends this process
            return
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
        channel = Channel(socket.socket(fileno=descriptor))
        sys.path[:] = json.loads(channel.receive())
        _Server(channel, parent).serve()
    except ChannelClosed:
        code = 0
    except BaseException:  # noqa: BLE001  # the process ends here; sys.excepthook is never reached
        sys.excepthook(*sys.exc_info())
    finally:
        _leave(code)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
