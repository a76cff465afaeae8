"""The entry point of the command ``simquay``: its group of commands, and its handling of errors."""

from __future__ import annotations

import io
import os
import sys
import traceback
from collections.abc import Sequence
from importlib.metadata import version
from types import TracebackType

try:
    import click
except ImportError:
    sys.exit(
        "simquay: error: the command line needs click: "
        'pip install ".[cli]" in a checkout of Simquay'
    )

from simquay.cli.commands import (
    backends,
    check,
    doctor,
    estimate,
    job,
    jobs,
    plan,
    result,
    resume,
    run,
)
from simquay.cli.errors import BROKEN_PIPE, FAILED, INTERRUPTED, USAGE, CommandError
from simquay.cli.messages import in_options, log_messages, say, warning_messages
from simquay.cli.options import WHOLE_PROCESS
from simquay.cli.output import output
from simquay.errors import (
    ManyStatesError,
    OutOfMemoryError,
    PluginError,
    SimquayError,
)

__all__ = ["cli", "main"]

_FAILURES = (PluginError, OutOfMemoryError, ManyStatesError)  # the command line was right
_COMPLETE = "_SIMQUAY_COMPLETE"  # set by the completion that a shell has evaluated


@click.group(
    epilog="Exit codes: 0 done, 1 the run failed, 2 wrong usage or input, 130 interrupted.",
    context_settings={"max_content_width": 100},
)
@click.version_option(version("simquay"), prog_name="simquay", message="%(prog)s %(version)s")
@click.option(
    "--debug", is_flag=True, help="show log messages and, where a command fails, the traceback"
)
def cli(debug: bool) -> None:
    """Run quantum circuits on simulators that are selected by name."""


for _module in (run, estimate, plan, jobs, job, result, resume, backends, check, doctor):
    cli.add_command(_module.command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code.

    Simquay's own errors become one line on stderr. Any other exception is a defect: it leaves
    this function, and the interpreter prints it (in one line too) and exits with code 1.

    Args:
        arguments: of the command line; None takes those of the process, which is to end then.
    """
    if instruction := os.environ.get(_COMPLETE):
        from click.shell_completion import shell_complete

        return shell_complete(cli, {}, "simquay", _COMPLETE, instruction)
    whole = WHOLE_PROCESS if arguments is None else None
    words = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    debug = False
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a circuit's name may have any characters
    try:
        with cli.make_context("simquay", words, obj=whole) as context:
            debug = context.params["debug"]
            if not debug:
                sys.excepthook = _show_defect
            with warning_messages(), log_messages(everything=debug):
                code = int(cli.invoke(context))
            output().flush()  # here, where a broken pipe can still be caught
    except click.exceptions.Exit as asked:  # --help and --version
        return asked.exit_code
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else "simquay"
        say("error", f"{error.format_message().rstrip('.')} (see {where} --help)")
        return USAGE
    except (CommandError, SimquayError) as error:
        if debug:
            traceback.print_exc()
        say("error", in_options(str(error)))
        if isinstance(error, CommandError):
            return error.exit_code
        return FAILED if isinstance(error, _FAILURES) else USAGE
    except KeyboardInterrupt:
        say("error", "interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of the output has closed it. The interpreter flushes it once more at exit and
        # would report an error, so the stream gets another file to write to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), output().fileno())
        return BROKEN_PIPE
    return code


def _show_defect(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    name = f"{kind.__name__}: {error}" if str(error) else kind.__name__
    say("error", f"{name} (this is a defect; simquay --debug shows where)")
