"""Waiting for a job with a progress bar, where somebody is watching."""

from __future__ import annotations

import sys
from importlib.util import find_spec

from qiskit.providers import JobTimeoutError, JobV1

__all__ = ["wait"]

_PATIENCE = 1.0  # seconds that pass before a bar is worth its flicker
_REFRESH = 0.1  # seconds


def wait(job: JobV1, label: str) -> None:
    """Return when ``job`` is final. Ctrl-C cancels it.

    A bar appears on stderr, and only where that is a terminal, when the job takes over a second;
    it vanishes at the end. stdout is left alone.
    """
    try:
        if not _ended_within(job, _PATIENCE):
            if sys.stderr.isatty() and find_spec("rich") is not None:
                _show_progress(job, label)
            else:
                job.wait_for_final_state()
    except KeyboardInterrupt:
        job.cancel()
        raise


def _ended_within(job: JobV1, seconds: float) -> bool:
    try:
        job.wait_for_final_state(timeout=seconds)
    except JobTimeoutError:
        return False
    return True


def _show_progress(job: JobV1, label: str) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.progress import TaskProgressColumn as Percentage

    columns = (TextColumn("{task.description}", markup=False), BarColumn())
    bar = Progress(
        *columns, Percentage(), TimeElapsedColumn(), console=Console(stderr=True), transient=True
    )
    with bar:
        task = bar.add_task(label, total=1.0)
        while not _ended_within(job, _REFRESH):
            bar.update(task, completed=job.progress())
