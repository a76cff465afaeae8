"""A job that runs any callable."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from simquay.jobs.dispatch.tasks import LocalTask, TaskControl
from simquay.jobs.dispatch.threads import thread_per_task
from simquay.jobs.job import Job
from simquay.system.signatures import signature_of

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

        def call(control: TaskControl) -> Any:
            extra = {"control": control} if takes_control else {}
            return function(*args, **kwargs, **extra)

        super().__init__(
            None,
            [LocalTask(call)],
            thread_per_task(),
            metadata={"function": name, "takes_control": takes_control},
        )


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
        signature = signature_of(function)
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
