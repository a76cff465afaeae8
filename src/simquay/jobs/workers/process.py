"""The handle of one worker process, in the process that started it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
import pkgutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from qiskit.providers.jobstatus import JobStatus

from simquay.jobs.timing import REAPING, SILENCE, TICK
from simquay.jobs.workers.pickling import pickled

if TYPE_CHECKING:
    from simquay.jobs.dispatch.tasks import TaskControl

__all__ = ["BackendSource", "Worker", "WorkerDiedError", "why_no_workers"]

# Python 3.10 puts "", the current folder, first: a file random.py there must not stop the worker.
_PROGRAM = (
    "import sys; sys.path[:] = filter(None, sys.path); "
    "from simquay.jobs.workers.main import main; main({}, {})"
)

_LARGEST_PREPARED = 1 << 16
"""Bytes of a backend that are sent before the worker reads: they surely fit a socket's buffer."""

_KEPT_BACKENDS = 8
"""How many backends a worker keeps."""


def why_no_workers() -> str:
    """Why this process can have no worker processes, in words; empty where it can have some."""
    if os.name != "posix":
        return "this system has no worker processes (they need POSIX)"
    if not sys.executable:  # embedded in a program
        return "this interpreter does not know its own path (sys.executable)"
    return ""


@dataclass(frozen=True)
class BackendSource:
    """How a worker makes its own backend object.

    Attributes:
        factory: ``module:callable``, called without arguments; or empty.
        pickled: the backend, pickled, where there is no factory.
    """

    factory: str = ""
    pickled: bytes = b""

    @cached_property
    def key(self) -> str:
        """Equal for equal sources."""
        return self.factory or hashlib.sha256(self.pickled).hexdigest()

    def make(self) -> Any:
        """A new backend."""
        if not self.factory:
            return pickle.loads(self.pickled)
        return pkgutil.resolve_name(self.factory)()


class WorkerDiedError(Exception):
    """A worker process ended by itself.

    Attributes:
        accepted: whether it had begun the run.
    """

    def __init__(self, message: str, *, accepted: bool = False) -> None:
        super().__init__(message)
        self.accepted = accepted


class Worker:
    """A worker process; used by one thread at a time. Its messages: see ``main.py``.

    Args:
        source: the backend that will be asked for first, or None.
    """

    def __init__(self, source: BackendSource | None = None) -> None:
        if reason := why_no_workers():
            raise OSError(reason)
        if source is not None and len(source.pickled) > _LARGEST_PREPARED:
            source = None
        first = pickled(source)
        self._pipe, theirs = map(_above_streams, Pipe())
        with theirs:
            environment = {
                **os.environ,
                "PYTHONPATH": os.pathsep.join(_search_path()),
                "PYTHONSAFEPATH": "1",  # for the processes that it starts, from Python 3.11 on
            }
            number = theirs.fileno()
            program = _PROGRAM.format(number, os.getpid())
            try:
                self._process = subprocess.Popen(
                    [sys.executable, "-c", program],
                    stdin=subprocess.DEVNULL,
                    stdout=_stream(1),
                    stderr=_stream(2),
                    pass_fds=[number],
                    env=environment,
                    start_new_session=True,  # so that Ctrl-C at the terminal does not reach it
                )
            except BaseException:
                self._pipe.close()
                raise
        self._ready = False
        self._keys: dict[str, None] = {}  # of the backends that it has, the last one used last
        with contextlib.suppress(OSError):  # the next use finds it closed again
            self._pipe.send_bytes(first)

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
        return key in self._keys

    def wait_ready(self, check: Callable[[], object]) -> None:
        """Wait until the worker is ready for runs.

        Args:
            check: called every few milliseconds; may raise, and the worker stays usable then.

        Raises:
            WorkerDiedError: the worker ended.
        """
        if not self._ready:
            self._receive(check)
            self._ready = True

    def run(self, source: BackendSource, body: bytes, control: TaskControl) -> tuple[Any, ...]:
        """Run circuits on a worker that is ready; returns the message that ends the run.

        Args:
            source: of the backend.
            body: the circuits and the options, pickled: if they cannot be read, the run fails.
            control: gets the run's status, and is checked every few milliseconds; it may raise, and
                the worker must be ended then.

        Raises:
            WorkerDiedError: the worker ended.
        """
        accepted, heard = False, 0.0
        report = control.report_status

        def check_silence() -> None:
            control.check()
            if accepted and time.monotonic() - heard > SILENCE:
                report(JobStatus.RUNNING)

        try:
            self._send((source.key, *self._used(source), body))
            while True:
                kind, *rest = message = self._receive(check_silence)
                heard = time.monotonic()
                if kind == "accepted":
                    accepted = True
                    report(JobStatus.VALIDATING)
                elif kind != "status":
                    return message
                elif rest[0] is not None:
                    report(JobStatus[rest[0]])
        except WorkerDiedError as error:
            error.accepted = accepted
            raise

    def _used(self, source: BackendSource) -> tuple[BackendSource | None, str | None]:
        """Note the use of a backend: its source, if the worker lacks it, and a key to forget."""
        known = self.knows(source.key)
        self._keys.pop(source.key, None)
        self._keys[source.key] = None
        forgotten = next(iter(self._keys)) if len(self._keys) > _KEPT_BACKENDS else None
        if forgotten is not None:
            del self._keys[forgotten]
        return None if known else source, forgotten

    def _send(self, message: object) -> None:
        # Without a check: the worker waits for it, so it reads at once.
        try:
            self._pipe.send_bytes(pickle.dumps(message, pickle.HIGHEST_PROTOCOL))
        except OSError as error:
            raise WorkerDiedError(self._how_it_ended()) from error

    def _receive(self, check: Callable[[], object]) -> tuple[Any, ...]:
        """The next message; where ``check`` raises, none is half received."""
        try:
            check()
            while not self._pipe.poll(TICK):
                check()
            data = self._pipe.recv_bytes()
        except (EOFError, OSError) as error:
            raise WorkerDiedError(self._how_it_ended()) from error
        message: tuple[Any, ...] = pickle.loads(data)
        return message

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
        if self.alive:
            try:
                os.killpg(self.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):  # not yet a session of its own
                self._process.kill()

    def end(self) -> None:
        """Kill the process and wait until it is gone."""
        self.signal_end()
        # A process that hangs in the kernel dies when it leaves it.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(REAPING)
        self._pipe.close()

    def forget(self) -> None:
        """In a forked child: drop the handle of a worker, which belongs to the parent."""
        self._pipe.close()
        self._process.returncode = 0  # not ours to wait for; Popen would warn that it still runs


def _search_path() -> list[str]:
    """``sys.path`` with absolute entries: ``""`` is the current folder, which a user may have
    deleted. Entries of other types, which imports ignore, are left out."""
    try:
        os.getcwd()
    except OSError:
        return [entry for entry in sys.path if isinstance(entry, str) and os.path.isabs(entry)]
    return [os.path.abspath(entry) for entry in sys.path if isinstance(entry, str)]


def _above_streams(end: Connection) -> Connection:
    """The end of a pipe, with a number above those of stdin, stdout and stderr.

    Where one of these is closed, a new descriptor gets its number, and then all that is printed.
    """
    if end.fileno() > 2:
        return end
    import fcntl  # POSIX alone has it

    with end:
        return Connection(fcntl.fcntl(end.fileno(), fcntl.F_DUPFD_CLOEXEC, 3))


def _stream(number: int) -> int | None:
    """How a worker gets stdout or stderr: as this process has it, or /dev/null where it is closed,
    or the number has gone to a descriptor that is not inherited."""
    try:
        return None if os.get_inheritable(number) else subprocess.DEVNULL
    except OSError:
        return subprocess.DEVNULL
