"""The entry point of the command ``simquay``: its parser, and its handling of errors."""

from __future__ import annotations

import argparse
import io
import os
import sys
import traceback
from collections.abc import Sequence
from importlib.metadata import version
from types import TracebackType
from typing import NoReturn

from simquay.cli.commands import backends, check, doctor, plan, run
from simquay.cli.errors import BROKEN_PIPE, FAILED, INTERRUPTED, USAGE, CommandError
from simquay.cli.messages import log_messages, say, warning_messages
from simquay.errors import (
    ManyStatesError,
    OutOfMemoryError,
    PluginError,
    SimquayError,
)

__all__ = ["build_parser", "main"]

_DESCRIPTION = "Run quantum circuits on simulators that are selected by name."
_EPILOG = "exit codes: 0 done, 1 the run failed, 2 wrong usage or input, 130 interrupted"

_FAILURES = (PluginError, OutOfMemoryError, ManyStatesError)  # the command line was right


class _Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(USAGE, f"simquay: error: {message} (see {self.prog} --help)\n")


def build_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line; each command adds its own part."""
    parser = _Parser(prog="simquay", description=_DESCRIPTION, epilog=_EPILOG)
    parser.add_argument("--version", action="version", version=f"simquay {version('simquay')}")
    parser.add_argument(
        "--debug",
        action="store_true",
        help="show log messages and, where a command fails, the traceback",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (run, plan, backends, check, doctor):
        command.add_parser(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code (argparse itself exits for --help and misuse).

    Simquay's own errors become one line on stderr. Any other exception is a defect: it leaves
    this function, and the interpreter prints it (in one line too) and exits with code 1.
    """
    options = build_parser().parse_args(arguments)
    if not options.debug:
        sys.excepthook = _show_defect
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a circuit's name may have any characters
    try:
        with warning_messages(), log_messages(everything=options.debug):
            code = int(options.execute(options))
        sys.stdout.flush()  # here, where a broken pipe can still be caught
    except (CommandError, SimquayError) as error:
        if options.debug:
            traceback.print_exc()
        say("error", str(error))
        if isinstance(error, CommandError):
            return error.exit_code
        return FAILED if isinstance(error, _FAILURES) else USAGE
    except KeyboardInterrupt:
        say("error", "interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of the output has closed it. The interpreter flushes stdout once more at exit
        # and would report an error, so stdout gets another file to write to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    return code


def _show_defect(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    name = f"{kind.__name__}: {error}" if str(error) else kind.__name__
    say("error", f"{name} (this is a defect; simquay --debug shows where)")
