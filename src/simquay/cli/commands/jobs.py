"""``simquay jobs``: the kept jobs, and the removal of old ones."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from simquay.cli.errors import OK, require_extra
from simquay.cli.options import CommandGroup, complete_backend, json_option
from simquay.cli.output import output
from simquay.cli.stored import describe_job, local_time, store_of_jobs
from simquay.cli.views.counts import counted
from simquay.cli.views.document import print_json
from simquay.cli.views.jobs import SHOWN
from simquay.errors import one_line

if TYPE_CHECKING:
    from simquay.jobs.store.store import JobFacts

__all__ = ["command"]

_STATES = ["queued", "validating", "running", "done", "error", "cancelled"]
_HOURS = {"h": 1, "d": 24, "w": 7 * 24}


@click.group(
    "jobs", cls=CommandGroup, invoke_without_command=True, short_help="List or remove kept jobs."
)
@click.option(
    "--limit", metavar="N", type=click.IntRange(1), default=20, help="at most so many; default: 20"
)
@click.option(
    "--status",
    metavar="S",
    type=click.Choice(_STATES, case_sensitive=False),
    multiple=True,
    help="only jobs that are queued, validating, running, done, error or cancelled; may be "
    "repeated",
)
@click.option(
    "--backend", metavar="NAME", shell_complete=complete_backend, help="only jobs of this backend"
)
@click.option("--tag", "tags", metavar="TAG", multiple=True, help="only jobs that have this tag")
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    *,
    limit: int,
    status: tuple[str, ...],
    backend: str | None,
    tags: tuple[str, ...],
    as_json: bool,
) -> int:
    """List the kept jobs, the newest first.

    A job is kept where it is run with --keep, or keep=True in Python, or where SIMQUAY_JOB_STORE
    names a folder. 'simquay result ID' shows its result.
    """
    if ctx.invoked_subcommand is not None:
        return OK
    if not as_json:
        require_extra("rich", "the table")
    from qiskit.providers.jobstatus import JobStatus

    store = store_of_jobs()
    states = [JobStatus[name.upper()] for name in status] or None
    found = store.list(status=states, backend=backend, tags=tags)
    shown = found[:limit]
    if as_json:
        jobs = [describe_job(one) for one in shown]
        print_json({"store": str(store.folder), "found": len(found), "jobs": jobs})
    else:
        _show(shown, f"{counted(len(found), 'job')} in {store.folder}", len(found) - len(shown))
    return OK


def _show(jobs: list[JobFacts], where: str, hidden: int) -> None:
    from rich.text import Text

    from simquay.cli.console import listing, make_console, show

    console = make_console()
    if jobs:
        table = listing("job", "created", "status", "backend", "circuits", "tags")
        for column in table.columns[:-1]:
            column.no_wrap = True
        for one in jobs:
            style = {"DONE": "green", "ERROR": "red", "CANCELLED": "yellow"}.get(one.status.name)
            table.add_row(
                Text(one.id[:SHOWN], "bold"),
                local_time(one.created)[:-3],
                Text(one.status.name, style or ""),
                one.backend,
                Text(str(one.circuits), justify="right"),
                Text(", ".join(one.tags), no_wrap=True, overflow="ellipsis"),
            )
        show(console, table, Text(""))
    more = f"; {hidden} more by --limit" if hidden else ""
    # In one line, so that the folder can be copied.
    show(console, Text(one_line(where + more), "dim", no_wrap=True))


def _age(ctx: click.Context, param: click.Parameter, text: str) -> timedelta:
    match = re.fullmatch(r"(\d{1,5})([hdw])", text)
    if match is None:
        raise click.BadParameter(f"{text!r}: expected hours, days or weeks, such as 12h, 30d or 8w")
    return timedelta(hours=int(match[1]) * _HOURS[match[2]])


@command.command("prune", short_help="Remove old kept jobs.")
@click.option(
    "--older-than",
    metavar="AGE",
    required=True,
    callback=_age,
    help="the time since the end of a job, in hours, days or weeks: 12h, 30d, 8w",
)
@click.option("--dry-run", is_flag=True, help="remove nothing, and tell what would be removed")
def prune(*, older_than: timedelta, dry_run: bool) -> int:
    """Remove the kept jobs that ended long ago, with their results.

    Unfinished jobs of a process that still runs stay.
    """
    from simquay.system.memory import format_bytes

    store = store_of_jobs()
    jobs, size = store.prune(older_than, dry_run=dry_run)
    told = "would be removed" if dry_run else "removed"
    line = f"{told}: {counted(jobs, 'job')} with {format_bytes(size)}, in {store.folder}"
    output().write(one_line(line) + "\n")
    return OK
