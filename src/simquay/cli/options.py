"""The class of the commands, and the options that several of them share, each declared once."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from simquay.cli.output import separate_output, take_stdout
from simquay.cli.parameters import assignments, bind_option

__all__ = [
    "WHOLE_PROCESS",
    "Command",
    "circuits_on_a_backend",
    "complete_backend",
    "json_option",
    "option_option",
    "precision_option",
    "seed_option",
]

F = TypeVar("F", bound=Callable[..., Any])

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


_file = click.argument("file", metavar="FILE", type=click.Path(path_type=Path))

_format = click.option(
    "--format",
    metavar="KIND",
    type=click.Choice(["qasm", "qasm2", "qasm3", "qpy"]),
    help="qasm, qasm2, qasm3 or qpy; without it, the file's ending or its content tells",
)

option_option = click.option(
    "--option",
    "more",
    metavar="NAME=VALUE",
    callback=assignments,
    multiple=True,
    help="any option of the backend's run, such as max_memory_mb=500; may be repeated",
)

seed_option = click.option(
    "--seed", metavar="S", type=int, help="the seed; the same seed gives the same results"
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

_backend = click.option(
    "--engine",  # as `simquay plan` called it
    "--backend",
    "backend",
    metavar="NAME",
    shell_complete=complete_backend,
    help="a name from 'simquay backends', or gpu, cpu, auto; default: SIMQUAY_BACKEND, else auto",
)

_fallback = click.option(
    "--fallback",
    metavar="NAME",
    shell_complete=complete_backend,
    help="the backend to use if the first is unavailable; several with commas",
)


def circuits_on_a_backend(command: F) -> F:
    """Declare the file of circuits, the values of their parameters, and the backend.

    The command gets ``file``, ``format``, ``backend``, ``fallback`` and ``bind``.
    """
    return _file(_format(_backend(_fallback(bind_option(command)))))
