"""The result of a job, and its facts: for its document, and in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simquay.cli.errors import FAILED, CommandError
from simquay.cli.views.document import to_json
from simquay.cli.views.progress import wait
from simquay.system.version import simquay_version

if TYPE_CHECKING:
    from qiskit.providers import JobV1

__all__ = ["SHOWN", "job_facts", "result_of", "summary"]

SHOWN = 12
"""Characters of the id of a kept job that are shown where the line is short."""


def result_of(job: JobV1, what: str) -> Any:
    """The result of a job, when it is there; see :func:`wait`.

    Args:
        job: any.
        what: it runs, in words: the name of a file, or ``-`` for standard input.

    Raises:
        CommandError: the job failed.
    """
    from qiskit.providers import JobError

    from simquay.jobs.display import backend_name

    wait(job, f"{'standard input' if what == '-' else what} on {backend_name(job)}")
    try:
        return job.result()
    except JobError as error:
        raise CommandError(error.message, FAILED) from error


def job_facts(job: JobV1, seconds: float | None) -> dict[str, Any]:
    """The first keys of a job's document, as docs/reference/cli.md describes them."""
    from simquay.jobs.display import backend_name

    return {
        "simquay": simquay_version(),
        "backend": backend_name(job),
        "job_id": job.job_id(),
        "seconds": seconds,
        "metadata": to_json(job.metadata),
    }


def summary(job: JobV1, seconds: float | None, *, loading: bool = False) -> str:
    """The backend that ran the job, and the time that it took, in one line.

    Args:
        job: any.
        seconds: the time; None where it is not known.
        loading: whether the job was the first of its process, so that the time has in it what the
            engine loads or compiles at first use.
    """
    from simquay.jobs.display import backend_name

    facts = job.metadata
    line = f"ran on {backend_name(job)}"
    if "device" in facts:
        line += f" ({facts['device']})"
    if "precision" in facts:
        line += f", {facts['precision']} precision"
    if seconds is not None:
        line += f", in {seconds:.3g} s{' with loading' if loading else ''}"
    if facts.get("fallback"):
        line += f", in place of {facts['fallback']['from']}"
    if getattr(job, "kept", False):  # which a backend's own class of jobs may lack
        line += f"; kept as job {job.job_id()[:SHOWN]}"
    return line
