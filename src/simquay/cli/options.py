"""The class of the commands, and the options that several of them share, each declared once."""

from __future__ import annotations

import json
import pkgutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from simquay.cli.errors import CommandError
from simquay.cli.output import separate_output, take_stdout
from simquay.cli.parameters import assignments, bind_option
from simquay.errors import SimquayError

__all__ = [
    "WHOLE_PROCESS",
    "Command",
    "CommandGroup",
    "chosen_backend",
    "circuits_on_a_backend",
    "complete_backend",
    "job_id_argument",
    "json_option",
    "keep_options",
    "kept",
    "noise_given",
    "noise_options",
    "option_option",
    "precision_option",
    "seed_option",
    "shots_option",
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


class CommandGroup(Command, click.Group):
    """A command with commands of its own, which are plain ones: the output is its own already."""


def complete_backend(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The names that a backend may be asked for by, for the completion of a shell."""
    import simquay

    with separate_output(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        names = ["auto", "cpu", "gpu", *(info.lookup for info in simquay.backends())]
    return [name for name in names if name.startswith(incomplete)]


def chosen_backend(name: str | None, fallback: str | None) -> Any:
    """The backend that the command line names.

    Raises:
        CommandError: a name is empty.
    """
    import simquay

    try:
        return simquay.get_backend(name, fallback=fallback)
    except ValueError as error:
        if isinstance(error, SimquayError):
            raise
        raise CommandError(f"--backend: {error}") from error


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

shots_option = click.option("--shots", metavar="N", type=int, help="how many shots; default: 1024")

seed_option = click.option(
    "--seed", metavar="S", type=int, help="the seed; the same seed gives the same results"
)

json_option = click.option(
    "--json", "as_json", is_flag=True, help="print one JSON document instead"
)

_keep = click.option(
    "--keep",
    is_flag=True,
    help="keep the job, as 'simquay jobs' lists it; also without it where SIMQUAY_JOB_STORE is set",
)

_tag = click.option(
    "--tag", "tags", metavar="TAG", multiple=True, help="a tag of the job; may be repeated"
)


def keep_options(command: F) -> F:
    """Declare whether the job is kept; the command gets ``keep`` and ``tags``, for :func:`kept`."""
    return _keep(_tag(command))


def kept(keep: bool, tags: tuple[str, ...]) -> dict[str, Any]:
    """The run options of a job that is kept, from the command line."""
    return {**({"keep": True} if keep else {}), **({"tags": [*tags]} if tags else {})}


job_id_argument = click.argument("job_id", metavar="ID")

precision_option = click.option(
    "--precision",
    metavar="P",
    type=click.Choice(["double", "single"]),
    help="of the amplitudes: double or single; default: double",
)

_MODEL = (
    "a JSON file of the to_dict() of an Aer NoiseModel, or package.module:Name of a device, a "
    "target or a noise model"
)

_noise = click.option("--noise", metavar="MODEL", help=_MODEL)

_method = click.option(
    "--method",
    metavar="M",
    help="of a noisy run: automatic, trajectories or density_matrix; default: automatic",
)


def noise_options(command: F) -> F:
    """Declare the noise; the command gets ``noise`` and ``method``, for :func:`noise_given`."""
    return _noise(_method(command))


def noise_given(noise: str | None, method: str | None) -> dict[str, Any]:
    """The run options of the noise on the command line.

    Raises:
        CommandError: the model cannot be read.
    """
    given: dict[str, Any] = {} if method is None else {"method": method}
    if noise is not None:
        given["noise_model"] = _model(noise)
    return given


def _model(text: str) -> Any:
    """What ``--noise`` names: the contents of a JSON file, or an object of a module; of a class or
    a function, what it gives without arguments."""
    from simquay.registry.guard import Failure, guarded

    if ":" not in text or text.endswith(".json"):
        try:
            return json.loads(Path(text).read_text("utf-8"))
        except FileNotFoundError:
            reason = "there is no such file"
        except OSError as error:
            reason = str(error.strerror)
        except ValueError as error:  # of the encoding, too
            reason = f"the file is no JSON: {error}"
        raise CommandError(f"--noise {text}: {reason}; expected {_MODEL}")

    def found() -> Any:
        named = pkgutil.resolve_name(text)
        return named() if callable(named) else named

    model = guarded(found)
    if isinstance(model, Failure):
        raise CommandError(f"--noise {text}: {model.text}; expected {_MODEL}")
    return model


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
