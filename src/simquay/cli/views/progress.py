"""Progress bars on stderr, shown only if stderr is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from qiskit.providers import JobV1

__all__ = ["track", "wait"]

T = TypeVar("T")
_PATIENCE = 1.0  # seconds before a bar appears: one for a shorter wait would only flicker
_REFRESH = 0.1  # seconds


def wait(job: JobV1, label: str) -> None:
    """Return when ``job`` is final. Ctrl-C cancels it.

    A bar appears if the job takes more than a second, and disappears at the end. Nothing is
    written to stdout.
    """
    try:
        if not _ends_within(job, _PATIENCE) and _can_show_bars():
            _show_progress(job, label)
        job.wait_for_final_state()
    except KeyboardInterrupt:
        job.cancel()
        raise


def track(items: Iterable[T], label: str, total: int) -> Iterator[T]:
    """The ``items``, ``total`` of them, with a bar that disappears after the last."""
    if not _can_show_bars():
        yield from items
        return
    from rich import progress
    from rich.console import Console

    yield from progress.track(
        items, label, total=total, console=Console(stderr=True), transient=True
    )


def _can_show_bars() -> bool:
    return sys.stderr.isatty() and find_spec("rich") is not None


def _ends_within(job: JobV1, seconds: float) -> bool:
    from qiskit.providers import JobTimeoutError

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
        while not _ends_within(job, _REFRESH):
            bar.update(task, completed=job.progress())
