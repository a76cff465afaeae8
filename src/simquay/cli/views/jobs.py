"""The result of a job, and its facts: for its document, and in one line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from simquay.cli.errors import FAILED, CommandError
from simquay.cli.views.document import to_json
from simquay.cli.views.progress import wait
from simquay.system.version import simquay_version

if TYPE_CHECKING:
    from qiskit.providers import JobV1

__all__ = ["job_facts", "result_of", "summary"]


def result_of(job: JobV1, file: Path) -> Any:
    """The result of a job on the circuits of ``file``, when it is there; see :func:`wait`.

    Raises:
        CommandError: the job failed.
    """
    from qiskit.providers import JobError

    wait(job, f"{'standard input' if str(file) == '-' else file.name} on {job.backend().name}")
    try:
        return job.result()
    except JobError as error:
        raise CommandError(error.message, FAILED) from error


def job_facts(job: JobV1, seconds: float | None) -> dict[str, Any]:
    """The first keys of a job's document, as docs/reference/cli.md describes them."""
    return {
        "simquay": simquay_version(),
        "backend": job.backend().name,
        "job_id": job.job_id(),
        "seconds": seconds,
        "metadata": to_json(job.metadata),
    }


def summary(job: JobV1, seconds: float | None) -> str:
    """The backend that ran the job, and the time that it took, in one line."""
    facts = job.metadata
    line = f"ran on {job.backend().name}"
    if "device" in facts:
        line += f" ({facts['device']})"
    if "precision" in facts:
        line += f", {facts['precision']} precision"
    if seconds is not None:
        line += f", in {seconds:.3g} s"
    if facts.get("fallback"):
        line += f", in place of {facts['fallback']['from']}"
    return line
