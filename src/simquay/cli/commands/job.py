"""``simquay job``: what is known of a kept job."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from simquay.cli.errors import OK, require_extra
from simquay.cli.options import Command, job_id_argument, json_option
from simquay.cli.stored import describe_job, full_id, local_time, store_of_jobs
from simquay.cli.views.document import print_json

if TYPE_CHECKING:
    from simquay.jobs.store.store import JobFacts

__all__ = ["command"]


@click.command("job", cls=Command, short_help="Show what is known of a kept job.")
@job_id_argument
@json_option
def command(*, job_id: str, as_json: bool) -> int:
    """Show what is known of the kept job ID: its status, times, host, error and more.

    The first characters of the ID are enough, from 6 on.
    """
    if not as_json:
        require_extra("rich", "the table")
    store = store_of_jobs()
    facts = store.facts(full_id(store, job_id))
    ended, size = store.tasks_ended(facts.id), store.size(facts.id)
    if as_json:
        print_json({**describe_job(facts), "tasks_ended": ended, "bytes": size})
    else:
        _show(facts, ended, size)
    return OK


def _show(facts: JobFacts, ended: int, size: int) -> None:
    from simquay.cli.console import listing, make_console, show
    from simquay.system.memory import format_bytes

    times = ("created", "started", "ended")
    told: dict[str, Any] = {
        "job": facts.id,
        "status": facts.status.name,
        "error": facts.error,
        "backend": facts.backend,
        "kind": facts.kind,
        "circuits": facts.circuits,
        "tasks": f"{facts.tasks}, of which {ended} ended" if facts.tasks > 1 else facts.tasks,
        **{name: local_time(getattr(facts, name)) for name in times},
        "resumed": _times(facts.resumed),
        "process": f"{facts.pid} on {facts.host}",
        "versions": ", ".join(f"{name} {version}" for name, version in facts.versions.items()),
        "tags": ", ".join(facts.tags),
        "metadata": json.dumps(describe_job(facts)["metadata"], ensure_ascii=False),
        "size": format_bytes(size),
    }
    table = listing("", "")
    table.show_header = False
    for name, value in told.items():
        if value not in (None, ""):
            table.add_row(name, str(value))
    show(make_console(), table)


def _times(number: int) -> str:
    return "" if not number else "once" if number == 1 else f"{number} times"
