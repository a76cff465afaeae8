"""The handle of one worker process, in the process that started it."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from simquay.jobs.timing import REAPING, TICK
from simquay.jobs.workers.channel import Channel, ChannelClosed
from simquay.jobs.workers.messages import BackendSource, Prepare, RecentKeys

__all__ = ["WORKERS_SUPPORTED", "Worker", "WorkerDiedError"]

WORKERS_SUPPORTED = os.name == "posix"
"""Whether this system can have worker processes."""

_LARGEST_PREPARED = 1 << 16
"""Bytes of a backend that are sent before the worker reads: they surely fit a socket's buffer."""


class WorkerDiedError(Exception):
    """A worker process ended by itself.

    Attributes:
        accepted: whether it had begun the run.
    """

    def __init__(self, message: str, *, accepted: bool = False) -> None:
        super().__init__(message)
        self.accepted = accepted


class Worker:
    """A worker process; used by one thread at a time.

    Args:
        source: the backend that will be asked for first, or None.
    """

    def __init__(self, source: BackendSource | None = None) -> None:
        if not sys.executable:
            raise OSError("this interpreter does not know its own path (sys.executable)")
        ours, theirs = socket.socketpair()
        with theirs:
            environment = dict(os.environ)
            path = [os.path.abspath(entry) for entry in sys.path]  # "" is the current folder
            environment["PYTHONPATH"] = os.pathsep.join(path)
            environment["PYTHONSAFEPATH"] = "1"  # a file random.py in the folder must not stop it
            try:
                self._process = subprocess.Popen(
                    [
                        sys.executable,
                        "-m",
                        "simquay.jobs.workers.main",
                        str(theirs.fileno()),
                        str(os.getpid()),
                    ],
                    stdin=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                    env=environment,
                    start_new_session=True,  # so that Ctrl-C at the terminal does not reach it
                )
            except BaseException:
                ours.close()
                raise
        self._channel = Channel(ours)
        self._ready = False
        self._known = RecentKeys()
        if source is not None and len(source.pickled) > _LARGEST_PREPARED:
            source = None
        with contextlib.suppress(ChannelClosed):  # the next use finds it closed again
            self._channel.send(json.dumps(path).encode())
            self._channel.send(pickle.dumps(Prepare(source)))

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def knows(self, key: str) -> bool:
        """Whether it has the backend of this key."""
        return key in self._known

    def use(self, key: str) -> None:
        """Note that the worker is about to be asked for the backend of this key."""
        self._known.use(key)

    def wait_ready(self, check: Callable[[], object]) -> None:
        """Wait until the worker is ready for runs.

        Args:
            check: called every few milliseconds; may raise, and the worker stays usable then.

        Raises:
            WorkerDiedError: the worker ended.
        """
        while not self._ready:
            check()
            # Not receive(check): a message must not be left half read when the worker is kept.
            if self._channel.readable(TICK):
                self.receive()
                self._ready = True

    def send(self, message: object, check: Callable[[], object] | None = None) -> None:
        """Send ``message``.

        Raises:
            WorkerDiedError: the worker ended.
        """
        try:
            self._channel.send(pickle.dumps(message, pickle.HIGHEST_PROTOCOL), check)
        except ChannelClosed as error:
            raise WorkerDiedError(self._how_it_ended()) from error

    def receive(self, check: Callable[[], object] | None = None) -> Any:
        """Wait for a message and return it.

        Raises:
            WorkerDiedError: the worker ended.
        """
        try:
            return pickle.loads(self._channel.receive(check))
        except ChannelClosed as error:
            raise WorkerDiedError(self._how_it_ended()) from error

    def _how_it_ended(self) -> str:
        try:
            code = self._process.wait(REAPING)
        except subprocess.TimeoutExpired:
            return f"worker process {self.pid} closed its pipe and does not end"
        if code >= 0:
            return f"worker process {self.pid} ended with exit code {code}"
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        why = " (killed from outside, perhaps for want of memory)" if name == "SIGKILL" else ""
        return f"worker process {self.pid} was ended by {name}{why}"

    def signal_end(self) -> None:
        """Kill the process, and what it started in its session, without waiting."""
        if self._process.poll() is None:
            try:
                os.killpg(self._process.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):  # not yet a session of its own
                self._process.kill()

    def end(self) -> None:
        """Kill the process and wait until it is gone."""
        self.signal_end()
        # A process that hangs in the kernel dies when it leaves it.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(REAPING)
        self._channel.close()

    def forget(self) -> None:
        """In a forked child: drop the handle of a worker, which belongs to the parent."""
        self._channel.close()
        self._process.returncode = 0  # not ours to wait for; Popen would warn that it still runs
