"""Backends that somebody else might have written, well or badly."""

from __future__ import annotations

import ctypes
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError
from typing import Any

from qiskit import QuantumCircuit
from qiskit.providers import BackendV2, JobError, JobStatus, JobV1, Options
from qiskit.result import Result
from qiskit.transpiler import Target

from simquay.simulators.engine.target import make_target


def a_result(circuits: list[QuantumCircuit], success: bool = True, **fields: Any) -> Result:
    """A result in which every circuit gave its number of classical bits, all zero."""
    return Result.from_dict(
        {
            "backend_name": "foreign",
            "backend_version": "1",
            "job_id": "theirs",
            "success": success,
            "results": [
                {
                    "shots": 1,
                    "success": circuit.name != "bad",
                    "status": "it broke" if circuit.name == "bad" else "DONE",
                    "data": {"counts": {"0x0": 1}},
                    "header": {
                        "name": circuit.name,
                        "creg_sizes": [],
                        "memory_slots": circuit.num_clbits,
                    },
                }
                for circuit in circuits
            ],
            **fields,
        }
    )


class Foreign(BackendV2):
    """A backend whose ``run`` calls ``behaviour(circuits, options)``, which gives a job."""

    def __init__(self, behaviour: Callable[..., Any], name: str = "foreign", **options: Any):
        super().__init__(name=name, description="somebody else's", backend_version="1")
        self.behaviour = behaviour
        self._options = Options(shots=7, seed_simulator=None, flavour="plain")
        self._options.set_validator("flavour", ["plain", "salty"])
        self._options.update_options(**options)
        self._most: int | None = None

    @property
    def target(self) -> Target:
        return make_target()

    @property
    def max_circuits(self) -> int | None:
        return self._most

    @classmethod
    def _default_options(cls) -> Options:
        return Options()

    def speciality(self) -> str:
        """What no other backend has."""
        return "of the house"

    def run(self, run_input: Any, extra: Any = None, **options: Any) -> Any:
        circuits = [run_input] if isinstance(run_input, QuantumCircuit) else list(run_input)
        return self.behaviour(circuits, {**dict(self.options), **options, "extra": extra})


class LegacyJob:
    """A job written against the legacy abstract class: no ``JobV1``, no metadata, an id and a
    backend, and it must be submitted."""

    def __init__(self, backend: Any, job_id: str, work: Callable[[], Any]) -> None:
        self._backend = backend
        self._job_id = job_id
        self._work = work
        self._done = threading.Event()
        self._state = JobStatus.INITIALIZING
        self._result: Any = None
        self.submissions = 0

    def job_id(self) -> str:
        return self._job_id

    def backend(self) -> Any:
        return self._backend

    def submit(self) -> None:
        self.submissions += 1
        self._state = JobStatus.RUNNING
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        self._result = self._work()
        self._state = JobStatus.DONE
        self._done.set()

    def result(self) -> Any:
        self._done.wait()
        return self._result

    def cancel(self) -> None:
        # As Qiskit's JobV1 says it, for a job that knows no cancelling.
        raise NotImplementedError("jobs of this kind cannot be cancelled")

    def status(self) -> JobStatus:
        return self._state


class HeldJob(JobV1):
    """A job whose status the test sets, and which ends when the test says so."""

    def __init__(self, circuits: list[QuantumCircuit], honest: bool = True) -> None:
        super().__init__(None, "theirs")
        self.state: Any = JobStatus.QUEUED
        self.circuits = circuits
        self.over = threading.Event()
        self.cancels = 0
        self.error: BaseException | None = None
        self._honest = honest

    def submit(self) -> None:
        raise JobError("it was submitted")

    def status(self) -> Any:
        return self.state

    def end(self, state: Any = JobStatus.DONE, error: BaseException | None = None) -> None:
        self.state, self.error = state, error
        self.over.set()

    def cancel(self) -> bool:
        self.cancels += 1
        if self._honest:
            self.end(JobStatus.CANCELLED, CancelledError())
        return True

    def result(self) -> Result:
        self.over.wait()
        if self.error is not None:
            raise self.error
        return a_result(self.circuits)


class ReadyJob:
    """The least that can be a job."""

    def __init__(self, result: Any, status: Any = JobStatus.DONE) -> None:
        self._result, self._status = result, status

    def status(self) -> Any:
        return self._status

    def result(self) -> Any:
        return self._result


# --- behaviours that travel to a worker ----------------------------------------------------------


def plain(circuits: list[QuantumCircuit], options: dict[str, Any]) -> Any:
    """A result at once, which says who made it and with what options."""
    shown = {name: value for name, value in options.items() if name != "extra"}
    return ReadyJob(a_result(circuits, metadata={"pid": os.getpid(), **shown}))


def failing(circuits: list[QuantumCircuit], options: dict[str, Any]) -> Any:
    """A circuit called "bad" makes ``run`` raise."""
    if any(circuit.name == "bad" for circuit in circuits):
        raise ValueError("a bad circuit")
    return plain(circuits, options)


def unsuccessful(circuits: list[QuantumCircuit], options: dict[str, Any]) -> Any:
    """A circuit called "bad" fails inside the result."""
    return ReadyJob(a_result(circuits, success=not any(c.name == "bad" for c in circuits)))


class UnpicklableError(Exception):
    """Does not survive a pickle."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} {two}")


def raising_oddly(circuits: list[QuantumCircuit], options: dict[str, Any]) -> Any:
    raise UnpicklableError("odd", "error")


def killed(circuits: list[QuantumCircuit], options: dict[str, Any]) -> Any:
    """The process dies under the run."""
    os.kill(os.getpid(), signal.SIGKILL)


def leaving(circuits: list[QuantumCircuit], options: dict[str, Any]) -> Any:
    """The process ends under the run, of its own will."""
    os._exit(7)


def exiting(circuits: list[QuantumCircuit], options: dict[str, Any]) -> Any:
    raise SystemExit("enough")


def endless(circuits: list[QuantumCircuit], options: dict[str, Any]) -> Any:
    """Computes inside ``run``, and looks at nothing."""
    while True:
        pass


class LockingJob(ReadyJob):
    """Says that it is validating, and then lets no other thread of the process run."""

    def result(self) -> Any:
        ctypes.PyDLL(None).sleep(100)  # functions of a PyDLL are called with the lock held
        return super().result()


def locking(circuits: list[QuantumCircuit], options: dict[str, Any]) -> Any:
    """Compiled code that keeps the interpreter's lock, as Aer's does."""
    return LockingJob(a_result(circuits), JobStatus.VALIDATING)


class QueuedJob(ReadyJob):
    """Waits somewhere for a second."""

    def result(self) -> Any:
        time.sleep(1.0)
        return super().result()


def queued(circuits: list[QuantumCircuit], options: dict[str, Any]) -> Any:
    """A job that is in a queue, and then all at once is done."""
    return QueuedJob(a_result(circuits), JobStatus.QUEUED)


def slow(circuits: list[QuantumCircuit], options: dict[str, Any]) -> Any:
    time.sleep(0.3)
    return plain(circuits, options)


def refused(circuits: list[QuantumCircuit], options: dict[str, Any]) -> Any:
    """The backend cancels the job by itself."""
    raise CancelledError


def large(circuits: list[QuantumCircuit], options: dict[str, Any]) -> Any:
    """A result of many megabytes: more than any pipe holds."""
    return ReadyJob(a_result(circuits, metadata={"ballast": b"x" * (1 << 24)}))


def no_result(circuits: list[QuantumCircuit], options: dict[str, Any]) -> Any:
    return ReadyJob({"counts": {}})


def make_plain() -> Foreign:
    """A factory."""
    return Foreign(plain, name="made-by-factory")


def chatty(circuits: list[QuantumCircuit], options: dict[str, Any]) -> Any:
    print("chatter", flush=True)
    return plain(circuits, options)
