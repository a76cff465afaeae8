"""The promises of a backend under a fault; each check judges what one trial saw."""

from __future__ import annotations

from simquay.testing.faults.trial import ENDED, Trial
from simquay.testing.harness.assertions import require

MOST_TRIES = 100
"""Failures in a job that does not end, from which on it counts as one that tries without end."""


def _tries_on(trial: Trial) -> bool:
    return trial.state not in ENDED and trial.tries > MOST_TRIES


def _left(trial: Trial, resource: str) -> None:
    left = trial.left.get(resource, {})
    shown = ", ".join(f"{number} {name!r}" for name, number in sorted(left.items()))
    require(not left, f"{resource} stay after the next job: {shown}")


def f01_ends(trial: Trial) -> None:
    """The job ends, or `run` raises."""
    require(trial.state in ENDED or _tries_on(trial), f"after its time the job is {trial.state}")


def f02_says_why(trial: Trial) -> None:
    """A job that failed says why, and so does what `run` raises."""
    require(trial.state not in ("ERROR", "raised") or trial.reason.strip(), "no reason is given")
    require(trial.state != "CANCELLED", "nobody cancelled the job, but it is CANCELLED")


def f03_counts_are_right(trial: Trial) -> None:
    """A job that is `DONE` has right counts."""
    require(not trial.wrong, trial.wrong)


def f04_the_next_job_runs(trial: Trial) -> None:
    """The next job runs, with right counts."""
    require(not trial.next_problem, f"the next job: {trial.next_problem}")


def f05_no_thread_stays(trial: Trial) -> None:
    """No thread stays that would not be there without the fault."""
    _left(trial, "threads")


def f06_no_descriptor_stays(trial: Trial) -> None:
    """No file, pipe or socket stays open."""
    _left(trial, "descriptors")


def f07_no_process_stays(trial: Trial) -> None:
    """No child process stays, running or not waited for."""
    _left(trial, "processes")


def f08_no_memory_stays(trial: Trial) -> None:
    """No memory stays reserved in a ledger."""
    _left(trial, "memory")


def f09_no_file_stays(trial: Trial) -> None:
    """No temporary file stays."""
    _left(trial, "files")


def f10_gives_up(trial: Trial) -> None:
    """A failure that lasts is not met by trying without end."""
    require(not _tries_on(trial), f"{trial.tries} tries failed, and the job is {trial.state}")
