"""``simquay resume``: run what is missing of a kept job."""

from __future__ import annotations

import click

from simquay.cli.commands.result import show_result
from simquay.cli.errors import CommandError, require_extra
from simquay.cli.options import Command, job_id_argument, json_option
from simquay.cli.stored import full_id, store_of_jobs

__all__ = ["command"]


@click.command("resume", cls=Command, short_help="Run what is missing of a kept job.")
@job_id_argument
@json_option
def command(*, job_id: str, as_json: bool) -> int:
    """Run what is missing of the kept job ID, which failed, was cancelled or lost its process.

    Its tasks that ended do not run again. Then its result is shown, as 'simquay result' does: the
    counts are those that it would have had. The first characters of the ID are enough, from 6 on.
    """
    if not as_json:
        require_extra("rich", "the table")
    import simquay
    from simquay.jobs.errors import JobStateError

    job = simquay.job(full_id(store_of_jobs(), job_id))
    try:
        return show_result(job.resume(), as_json)
    except JobStateError as error:
        raise CommandError(error.message) from error
