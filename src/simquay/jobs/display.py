"""A job on a terminal and in a notebook: in words, as HTML, and as a progress bar."""

from __future__ import annotations

import html
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

from qiskit.providers import JobTimeoutError
from qiskit.providers.jobstatus import JobStatus

if TYPE_CHECKING:
    from qiskit.providers import JobV1

__all__ = [
    "as_html",
    "as_repr",
    "backend_name",
    "can_show_bars",
    "ends_within",
    "in_words",
    "show_progress",
    "watch",
]

_REFRESH = 0.1  # seconds
_NOTEBOOK_REFRESH = 0.5  # seconds


def _time_left(seconds: float, progress: float) -> str:
    """The time that a job still needs, as ``about 12 s left``, if it goes on as it went so far.

    Args:
        seconds: that it has run.
        progress: how much of it is done, from 0 to 1; nothing is known of a job at 0.
    """
    if not progress:
        return ""
    left = seconds * (1 - progress) / progress
    for unit, size in (("h", 3600), ("min", 60)):
        if left >= 2 * size:
            return f"about {left / size:.0f} {unit} left"
    return f"about {left:.0f} s left"


def in_words(status: JobStatus, progress: float, seconds: float) -> str:
    """The status, of a running job with the per cent that are done and the time left."""
    if status is not JobStatus.RUNNING or not progress:
        return str(status.name)
    return f"{status.name} ({progress:.0%}, {_time_left(seconds, progress)})"


def as_repr(job: JobV1, words: str) -> str:
    """A job in one line: its class, its id, its state in ``words``, and what it waits for."""
    state = f"{words} on {backend_name(job)}{_waits_for(job)}"
    return f"<{type(job).__name__} {job.job_id()} {state}>"


def as_html(job: JobV1, words: str) -> str:
    """A job in a notebook: the same with a bar, and why it failed if it did."""
    title = html.escape(f"{type(job).__name__} {job.job_id()} on {backend_name(job)}")
    bar = f'<progress value="{job.progress():.3f}" max="1"></progress>'
    error = job.error_message()
    reason = "" if error is None else f"<pre>{html.escape(error)}</pre>"
    return f"<div>{title} {bar} {html.escape(words + _waits_for(job))}{reason}</div>"


def _waits_for(job: JobV1) -> str:
    info = job.queue_info()
    return "" if info is None else f": {info}"


def watch(job: JobV1) -> JobV1:
    """Show the progress of ``job`` until it is final, and return it; Ctrl-C ends only the watching.

    In a notebook the job's own bar is shown, on a terminal one of rich on stderr, elsewhere none.
    """
    if _in_notebook():
        from IPython.display import display

        shown = display(job, display_id=True)
        while not ends_within(job, _NOTEBOOK_REFRESH):
            shown.update(job)
        shown.update(job)
    elif can_show_bars():
        show_progress(job, backend_name(job) or str(job.job_id()))
    job.wait_for_final_state()
    return job


def backend_name(job: JobV1) -> str | None:
    """The name of the job's backend, if it has one; a job of another process need not make it."""
    name: str | None = getattr(getattr(job, "_backend", None), "name", None)
    return name


def _in_notebook() -> bool:
    """Whether this runs in a kernel of Jupyter's, which shows HTML and updates it."""
    ask = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return ask is not None and hasattr(ask(), "kernel")


def can_show_bars() -> bool:
    """Whether stderr is a terminal, and rich is installed."""
    return sys.stderr.isatty() and find_spec("rich") is not None


def ends_within(job: JobV1, seconds: float) -> bool:
    """Wait so long for ``job``, or until it is final; return whether it is."""
    try:
        job.wait_for_final_state(timeout=seconds)
    except JobTimeoutError:
        return False
    return True


def show_progress(job: JobV1, label: str) -> None:
    """Show a bar on stderr until ``job`` is final; above it, once, what the job waits for."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    times = (TimeElapsedColumn(), TextColumn("left:"), TimeRemainingColumn())
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn())
    # Without the thread of its own that would show it anew.
    console = Console(stderr=True)
    bar = Progress(*columns, *times, console=console, transient=True, auto_refresh=False)
    with bar:
        task = bar.add_task(label, total=1.0)
        told = False
        while not ends_within(job, _REFRESH):
            if not told and (info := job.queue_info()) is not None:
                told = True
                console.print(f"{label} {info}", markup=False, highlight=False, soft_wrap=True)
            bar.update(task, completed=job.progress(), refresh=True)
