"""Progress bars on stderr, shown only if stderr is a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

from simquay.cli.messages import say

if TYPE_CHECKING:
    from qiskit.providers import JobV1

__all__ = ["track", "wait"]

T = TypeVar("T")
_PATIENCE = 1.0  # seconds before a bar appears: one for a shorter wait would only flicker


def wait(job: JobV1, label: str) -> None:
    """Return when ``job`` is final. Ctrl-C cancels it.

    A bar appears if the job takes more than a second, and disappears at the end. Nothing is
    written to stdout.
    """
    from simquay.jobs.display import can_show_bars, ends_within, show_progress

    try:
        if not ends_within(job, _PATIENCE) and can_show_bars():
            show_progress(job, label)
        job.wait_for_final_state()
    except KeyboardInterrupt:
        if job.cancel() and getattr(job, "kept", False):
            say("note", f"simquay resume {job.job_id()} runs what is missing of the job")
        raise


def track(items: Iterable[T], label: str, total: int) -> Iterator[T]:
    """The ``items``, ``total`` of them, with a bar that disappears after the last."""
    from simquay.jobs.display import can_show_bars

    if not can_show_bars():
        yield from items
        return
    from rich import progress
    from rich.console import Console

    yield from progress.track(
        items, label, total, console=Console(stderr=True), transient=True, auto_refresh=False
    )
