"""Kept jobs as a process leaves them that dies."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from simquay.jobs.store.store import JobStore

__all__ = ["left_by_a_dead_process", "tasks_kept"]


def tasks_kept(store: JobStore, job_id: str) -> set[int]:
    """The numbers of the tasks whose answers are in the store."""
    return {int(path.stem) for path in _folder(store, job_id).glob("tasks/*.bin")}


def left_by_a_dead_process(store: JobStore, job_id: str, tasks: Collection[int] = ()) -> None:
    """Make a job that is final one whose process died when just ``tasks`` had ended."""
    folder = _folder(store, job_id)
    for number in tasks_kept(store, job_id) - {*tasks}:
        (folder / "tasks" / f"{number}.bin").unlink()
    for name in ("result.json", "result.npz", "partial.json", "partial.npz"):
        (folder / name).unlink(missing_ok=True)
    store._database.write(
        "UPDATE jobs SET status = 'RUNNING', ended = NULL, owner = 'dead' WHERE id = ?", (job_id,)
    )


def _folder(store: JobStore, job_id: str) -> Path:
    return store.folder / "jobs" / job_id
