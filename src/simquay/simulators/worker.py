"""Checks that a process of a user's executor makes before it runs a task."""

from __future__ import annotations

import os
import platform

from simquay.errors import SimquayError
from simquay.system.version import simquay_version

__all__ = ["ForeignWorkerError", "check_version", "this_worker"]


class ForeignWorkerError(SimquayError):
    """A worker process cannot run the task that it was sent: it has another engine or backend, or
    another version of Simquay."""


def this_worker() -> str:
    """The present process in words, for messages."""
    return f"the worker (process {os.getpid()} on {platform.node()})"


def check_version(version: str) -> None:
    """Refuse a task that another version of Simquay made.

    Raises:
        ForeignWorkerError: ``version`` is not the version of this process.
    """
    here = simquay_version()
    if here != version:
        raise ForeignWorkerError(
            f"{this_worker()} has Simquay {here}, but the job was made by Simquay {version}: "
            "install the same version on both"
        )
