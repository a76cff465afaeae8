"""A job that runs any callable."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from qiskit.providers.jobstatus import JobStatus
from qiskit.result import Result

from simquay.jobs.dispatch.tasks import TaskControl
from simquay.jobs.dispatch.threads import thread_per_task
from simquay.jobs.job import Job

__all__ = ["FunctionJob"]


class FunctionJob(Job):
    """Runs ``function(*args, **kwargs)`` in a thread of its own; ``result()`` is the return value.

    Its arguments are those of Qiskit's ``AlgorithmJob``, and :meth:`submit` submits it as well. The
    function may run circuits and wait for their jobs: these never wait for its thread.

    A function with a parameter ``control`` that the caller left open gets a
    :class:`~simquay.control.Control` there. It calls ``control.check()`` now and then, which raises
    when the job is cancelled, and ``control.report(fraction)`` for its progress. A function without
    one cannot be stopped: cancelling its running job makes the job ``CANCELLED``; the function runs
    to its end, and its value is dropped. ``metadata["takes_control"]`` says which it is.

    The arguments are not copied: the function sees later changes of them.

    Args:
        function: any callable.
        args: its positional arguments.
        kwargs: its keyword arguments.

    Raises:
        TypeError: the function cannot be called with these arguments.
    """

    def __init__(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> None:
        takes_control = _takes_control(function, args, kwargs)
        name = getattr(function, "__qualname__", None) or type(function).__qualname__
        super().__init__(
            None,
            [_FunctionTask(function, args, kwargs, takes_control)],
            thread_per_task(),
            metadata={"function": name, "takes_control": takes_control},
        )

    def result(self, timeout: float | None = None) -> Any:
        """The function's return value; waits and raises as every job does."""
        result: Any = super().result(timeout)
        return result.value if isinstance(result, _Returned) else result

    def _conclude(self, result: Any) -> bool:
        if isinstance(result.value, Result) and not result.value.success:
            return super()._conclude(result.value)  # no job is done with such a result
        with self._condition:
            if self.in_final_state():
                return False
            self._result = result
            self._enter(JobStatus.DONE)
            return True


class _Returned:
    """A function's return value: it may be None, which a job's result never is."""

    def __init__(self, value: Any) -> None:
        self.value = value


class _FunctionTask:
    """The call of the function; see :class:`simquay.jobs.dispatch.tasks.Task`."""

    needs = None

    def __init__(
        self,
        function: Callable[..., Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        takes_control: bool,
    ) -> None:
        self._function = function
        self._args = args
        self._kwargs = kwargs
        self._takes_control = takes_control

    def run(self, control: TaskControl) -> _Returned:
        """Call the function; returns its value, wrapped."""
        extra = {"control": control} if self._takes_control else {}
        return _Returned(self._function(*self._args, **self._kwargs, **extra))

    def remote(self, control: TaskControl) -> None:
        """None: the function may be any object of this process."""


def _takes_control(
    function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> bool:
    """Whether ``control`` is a parameter that the arguments leave open.

    Raises:
        TypeError: the arguments do not fit.
    """
    if not callable(function):
        raise TypeError(f"an object of type {type(function).__name__} cannot be called")
    try:
        signature = inspect.signature(function)
    except ValueError:  # some functions written in C have no signature
        return False
    parameter = signature.parameters.get("control")
    takes = (
        parameter is not None
        and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
        and "control" not in signature.bind_partial(*args, **kwargs).arguments
    )
    signature.bind(*args, **kwargs, **({"control": None} if takes else {}))
    return takes
