"""The class of the commands, and the options that several of them share, each declared once."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import click

from simquay.cli.output import separate_output, take_stdout

__all__ = [
    "WHOLE_PROCESS",
    "Command",
    "backend_option",
    "complete_backend",
    "fallback_option",
    "file_argument",
    "format_option",
    "json_option",
    "precision_option",
]


WHOLE_PROCESS = "the command line is that of the process"
"""The object of a context (``click.Context.obj``) whose command may change the process's files."""


class Command(click.Command):
    """A command with stdout for itself: text that plugins print goes to stderr."""

    def invoke(self, ctx: click.Context) -> Any:
        if ctx.obj is WHOLE_PROCESS:
            take_stdout()
        with separate_output():
            return super().invoke(ctx)


def complete_backend(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The names that a backend may be asked for by, for the completion of a shell."""
    import simquay

    with separate_output(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        names = ["auto", "cpu", "gpu", *(info.lookup for info in simquay.backends())]
    return [name for name in names if name.startswith(incomplete)]


file_argument = click.argument("file", metavar="FILE", type=click.Path(path_type=Path))

format_option = click.option(
    "--format",
    metavar="KIND",
    type=click.Choice(["qasm", "qasm2", "qasm3", "qpy"]),
    help="qasm, qasm2, qasm3 or qpy; without it, the file's ending or its content tells",
)

json_option = click.option(
    "--json", "as_json", is_flag=True, help="print one JSON document instead"
)

precision_option = click.option(
    "--precision",
    metavar="P",
    type=click.Choice(["double", "single"]),
    help="of the amplitudes: double or single; default: double",
)

backend_option = click.option(
    "--engine",  # as `simquay plan` called it
    "--backend",
    "backend",
    metavar="NAME",
    shell_complete=complete_backend,
    help="a name from 'simquay backends', or gpu, cpu, auto; default: SIMQUAY_BACKEND, else auto",
)

fallback_option = click.option(
    "--fallback",
    metavar="NAME",
    shell_complete=complete_backend,
    help="the backend to use if the first is unavailable; several with commas",
)
