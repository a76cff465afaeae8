"""Jobs that each break one point of the job contract; the class is named after the point."""

from __future__ import annotations

import copy
import threading
import time
from typing import Any

from qiskit.providers import JobError, JobStatus
from qiskit.providers.exceptions import JobTimeoutError

from simquay.jobs.errors import JobCancelledError, JobFailedError, JobStateError
from simquay.jobs.job import Job


class J01(Job):
    """Another version."""

    version = 2


class J03(Job):
    """Submits itself when it is asked for its result."""

    def result(self, timeout: float | None = None) -> Any:
        if self.status() is JobStatus.INITIALIZING:
            Job.submit(self)
        return super().result(timeout)


class J04(Job):
    """Takes a second ``submit`` in silence."""

    def submit(self) -> None:
        if self.status() is JobStatus.INITIALIZING:
            super().submit()


class J05(Job):
    """Always the same id."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **{**keywords, "job_id": "the job"})


class J06(Job):
    """Another object of the same backend."""

    def backend(self) -> Any:
        return copy.copy(super().backend())


class J07(Job):
    """Does not say on which device it ran."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.metadata.pop("device", None)


class J08(Job):
    """A new result each time."""

    def result(self, timeout: float | None = None) -> Any:
        return copy.copy(super().result(timeout))


class J09(Job):
    """Takes its timeout by name alone."""

    # What it breaks is the signature, so it cannot be that of the base class.
    def result(self, *, timeout: float | None = None) -> Any:  # type: ignore[override]  # wrong on purpose
        return super().result(timeout)


class J10(Job):
    """Qiskit's timeout error, which is not Python's."""

    def result(self, timeout: float | None = None) -> Any:
        try:
            return super().result(timeout)
        except TimeoutError as error:
            raise JobTimeoutError(str(error)) from None


class _OtherError(RuntimeError):
    """No ``JobError``, but with what J12 asks for."""

    def __init__(self, text: str, partial_result: Any) -> None:
        super().__init__(text)
        self.partial_result = partial_result


class J11(Job):
    """An error of its own kind."""

    def result(self, timeout: float | None = None) -> Any:
        try:
            return super().result(timeout)
        except JobFailedError as error:
            raise _OtherError(str(error), error.partial_result) from error.__cause__


class J12(Job):
    """Forgets what succeeded."""

    def result(self, timeout: float | None = None) -> Any:
        try:
            return super().result(timeout)
        except JobFailedError as error:
            raise JobFailedError(str(error)) from error.__cause__


class J14(Job):
    """Never says why."""

    def error_message(self) -> None:
        return None


class J15(Job):
    """A cancelled job's error is any other error."""

    def result(self, timeout: float | None = None) -> Any:
        try:
            return super().result(timeout)
        except JobCancelledError as error:
            raise JobError(str(error)) from None


class J16(Job):
    """Cancels and does not say so."""

    def cancel(self) -> Any:
        return None if super().cancel() else False


class J17(Job):
    """A queued job cannot be cancelled."""

    def cancel(self) -> bool:
        return False if self.status() is JobStatus.QUEUED else super().cancel()


class J18(Job):
    """Its work goes on for ten seconds."""

    def _stop(self, was: JobStatus) -> None:
        if was is JobStatus.QUEUED:
            super()._stop(was)
        else:
            threading.Timer(10.0, super()._stop, (was,)).start()


class J19(Job):
    """Complains about a late cancellation."""

    def cancel(self) -> bool:
        if self.in_final_state():
            raise JobStateError("too late")
        return super().cancel()


class J25(Job):
    """Done means over."""

    def done(self) -> bool:
        return self.in_final_state()


class J26(Job):
    """Another interval by default."""

    def wait_for_final_state(
        self, timeout: float | None = None, wait: float = 1, callback: Any = None
    ) -> None:
        super().wait_for_final_state(timeout, wait, callback)


class J27(Job):
    """Ends its wait at the next multiple of a long interval."""

    def wait_for_final_state(
        self, timeout: float | None = None, wait: float = 5, callback: Any = None
    ) -> None:
        started = time.monotonic()
        super().wait_for_final_state(timeout, wait, callback)
        if timeout is None and wait > 5:
            time.sleep(wait - (time.monotonic() - started) % wait)


class J28(Job):
    """As J10, for the other wait."""

    def wait_for_final_state(
        self, timeout: float | None = None, wait: float = 5, callback: Any = None
    ) -> None:
        try:
            super().wait_for_final_state(timeout, wait, callback)
        except TimeoutError as error:
            raise JobTimeoutError(str(error)) from None


class J29(Job):
    """Looks at the time only now and then."""

    def wait_for_final_state(
        self, timeout: float | None = None, wait: float = 5, callback: Any = None
    ) -> None:
        late = 0.5 if timeout is not None and wait > 50 else 0.0
        super().wait_for_final_state(None if timeout is None else timeout + late, wait, callback)


class J30(Job):
    """Does not tell of the last query."""

    def wait_for_final_state(
        self, timeout: float | None = None, wait: float = 5, callback: Any = None
    ) -> None:
        def hear(job_id: str, status: JobStatus, job: Any) -> None:
            if not self.in_final_state() and callback is not None:
                callback(job_id, status, job)

        super().wait_for_final_state(timeout, wait, hear)


class J31(Job):
    """Waiting for a failed job raises its error."""

    def wait_for_final_state(
        self, timeout: float | None = None, wait: float = 5, callback: Any = None
    ) -> None:
        super().wait_for_final_state(timeout, wait, callback)
        if self.status() is JobStatus.ERROR:
            self.result()


class J33(Job):
    """An unfinished job pickles, and is never heard of again."""

    def __getstate__(self) -> dict[str, Any]:
        if self.in_final_state():
            return super().__getstate__()
        return {"_job_id": self._job_id, "_status": "RUNNING"}


class J37(Job):
    """Its progress begins anew."""

    def progress(self) -> float:
        fraction = super().progress()
        return fraction if fraction == 1 or int(time.monotonic() * 20) % 2 else fraction / 2


class J38(Job):
    """Does not hear Ctrl-C in ``result``."""

    def result(self, timeout: float | None = None) -> Any:
        try:
            return super().result(timeout)
        except KeyboardInterrupt:
            return self.result(timeout)


class J42(Job):
    """Is kept without its result."""

    def _conclude(self, result: Any) -> bool:
        if self.keeper is not None:
            vars(self.keeper)["result"] = lambda result: None
        return super()._conclude(result)
