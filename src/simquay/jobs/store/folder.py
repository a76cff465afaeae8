"""The folder of the store, and where a job's files are in it."""

from __future__ import annotations

import os
import re
from pathlib import Path

from simquay.jobs.errors import UnknownJobError
from simquay.system.variables import JOB_STORE

__all__ = ["default_folder", "folder_of_job", "named_folder"]

_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,127}")
"""Ids of which a folder can have the name on any system, and that lead nowhere else."""


def named_folder() -> Path | None:
    """The folder that ``SIMQUAY_JOB_STORE`` names, or None where it is not set, or empty."""
    name = os.environ.get(JOB_STORE)
    return Path(name).expanduser().resolve() if name else None


def default_folder() -> Path:
    """The folder that ``SIMQUAY_JOB_STORE`` names, or the user's own."""
    if (named := named_folder()) is not None:
        return named
    import platformdirs

    return Path(platformdirs.user_data_dir("simquay", appauthor=False), "jobs")


def folder_of_job(store: Path, job_id: str) -> Path:
    """The folder of a job's files, which need not exist.

    Raises:
        UnknownJobError: no job that is kept has such an id.
    """
    if not _ID.fullmatch(job_id):
        raise UnknownJobError(f"no job that is kept has the id {job_id!r}")
    return store / "jobs" / job_id
