"""``simquay result``: the result of a kept job, as ``simquay run`` shows it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from simquay.cli.errors import OK, require_extra
from simquay.cli.options import Command, job_id_argument, json_option
from simquay.cli.stored import full_id, store_of_jobs
from simquay.cli.views.document import print_json, to_json
from simquay.cli.views.jobs import SHOWN, job_facts, result_of, summary
from simquay.cli.views.outcomes import documents, outcomes_of, show_outcomes

if TYPE_CHECKING:
    from qiskit.providers import JobV1

__all__ = ["command", "show_result"]


@click.command("result", cls=Command, short_help="Show the result of a kept job.")
@job_id_argument
@json_option
def command(*, job_id: str, as_json: bool) -> int:
    """Show the result of the kept job ID, as 'simquay run' does.

    The first characters of the ID are enough, from 6 on. A job that another process still runs is
    waited for.
    """
    if not as_json:
        require_extra("rich", "the table")
    import simquay

    return show_result(simquay.job(full_id(store_of_jobs(), job_id)), as_json)


def show_result(job: JobV1, as_json: bool) -> int:
    """Wait for a job and show its result, of whatever kind it is.

    Raises:
        CommandError: the job failed.
    """
    from qiskit.result import Result

    result = result_of(job, f"job {job.job_id()[:SHOWN]}")
    if isinstance(result, Result):
        seconds = getattr(result, "time_taken", None)
        outcomes = outcomes_of(result)
        if as_json:
            print_json({**job_facts(job, seconds), **documents(outcomes)})
        else:
            show_outcomes(outcomes, summary(job, seconds))
        return OK
    metadata = getattr(result, "metadata", None)
    seconds = metadata.get("time_taken") if isinstance(metadata, Mapping) else None
    document = {**job_facts(job, seconds), "result": _plain(result)}
    if as_json:
        print_json(document)
    else:
        _show(document["result"], summary(job, seconds))
    return OK


def _plain(value: Any) -> Any:
    """A result in types that JSON has. A pub's data, arrays and counts are what they hold."""
    import numpy as np
    from qiskit.primitives import BitArray, DataBin, PrimitiveResult, PubResult

    if isinstance(value, PrimitiveResult):
        return [_plain(one) for one in value]
    if isinstance(value, PubResult):
        return _plain(value.data)
    if isinstance(value, BitArray):
        places = [*np.ndindex(value.shape)]
        counts = [dict(sorted(value.get_counts(place).items())) for place in places]
        return counts if value.shape else counts[0]
    if isinstance(value, DataBin):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, np.ndarray):
        pairs = [value.real, value.imag]
        return (np.stack(pairs, axis=-1) if np.iscomplexobj(value) else value).tolist()
    if dataclasses.is_dataclass(value):
        names = [field.name for field in dataclasses.fields(value)]
        return {name: _plain(getattr(value, name)) for name in names}
    if hasattr(value, "_asdict"):  # a named tuple
        return {name: _plain(one) for name, one in value._asdict().items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return to_json(value)


def _show(plain: Any, summary: str) -> None:
    from rich.text import Text

    from simquay.cli.console import listing, make_console, show

    table = listing("", "")
    table.show_header = False
    for name, value in _leaves("", plain):
        table.add_row(name, value)
    show(make_console(), table, Text(""), Text(summary, "dim"))


def _leaves(name: str, plain: Any) -> Iterator[tuple[str, str]]:
    """The numbers and texts in a plain value, with their places, such as ``[0].evs[2]``."""
    if isinstance(plain, Mapping):
        for key, value in plain.items():
            yield from _leaves(f"{name}.{key}" if name else str(key), value)
    elif isinstance(plain, list):
        for number, value in enumerate(plain):
            yield from _leaves(f"{name}[{number}]", value)
    else:
        yield name, f"{plain:.9g}" if isinstance(plain, float) else str(plain)
