"""The entry of the command ``quayside``: the parser, and what becomes of errors."""

from __future__ import annotations

import argparse
import io
import logging
import os
import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from types import TracebackType
from typing import NoReturn

from quayside.cli import backends, doctor, plan, run
from quayside.cli.errors import BROKEN_PIPE, FAILED, INTERRUPTED, USAGE, CommandError
from quayside.errors import (
    ManyStatesError,
    OutOfMemoryError,
    PluginError,
    QuaysideError,
    QuaysideWarning,
)

__all__ = ["build_parser", "main"]

_DESCRIPTION = "Run quantum circuits on simulators that are selected by name."
_EPILOG = "exit codes: 0 done, 1 the run failed, 2 wrong usage or input, 130 interrupted"

_NOT_THE_CALLERS = (PluginError, OutOfMemoryError, ManyStatesError)  # the command line was right


class _Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(USAGE, f"quayside: error: {message} (see {self.prog} --help)\n")


def build_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line; each command adds its own part."""
    parser = _Parser(prog="quayside", description=_DESCRIPTION, epilog=_EPILOG)
    parser.add_argument("--version", action="version", version=f"quayside {version('quayside')}")
    parser.add_argument(
        "--debug",
        action="store_true",
        help="show log messages and, where a command fails, the traceback",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (run, plan, backends, doctor):
        command.add_parser(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code (argparse itself exits for --help and misuse).

    Errors that Quayside knows become one line on stderr. Any other exception is a defect: it
    leaves this function, the interpreter prints it (in one line too) and exits with code 1.
    """
    options = build_parser().parse_args(arguments)
    if not options.debug:
        sys.excepthook = _show_defect
    else:
        logging.basicConfig(format="%(name)s: %(message)s")
        logging.getLogger("quayside").setLevel(logging.DEBUG)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a circuit's name may be in any script
    try:
        with _warnings_as_lines():
            code = int(options.execute(options))
        sys.stdout.flush()  # here, where a broken pipe can still be caught
    except (CommandError, QuaysideError) as error:
        if options.debug:
            traceback.print_exc()
        _say("error", str(error))
        if isinstance(error, CommandError):
            return error.exit_code
        return FAILED if isinstance(error, _NOT_THE_CALLERS) else USAGE
    except KeyboardInterrupt:
        _say("error", "interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has enough of it. The interpreter flushes stdout once more at
        # exit and would complain, so give it a place to write to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    return code


def _say(kind: str, message: str) -> None:
    """One line on stderr, whatever line breaks the message holds."""
    print(f"quayside: {kind}: {' '.join(message.split())}", file=sys.stderr)


@contextmanager
def _warnings_as_lines() -> Iterator[None]:
    """Print Quayside's warnings as a shell user expects; others as Python does."""
    with warnings.catch_warnings():  # restores showwarning as well as the filters
        python_way = warnings.showwarning

        def show(
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: object = None,
            line: str | None = None,
        ) -> None:
            if issubclass(category, QuaysideWarning):
                _say("warning", str(message))
            else:
                python_way(message, category, filename, lineno, None, line)

        warnings.showwarning = show
        yield


def _show_defect(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    name = f"{kind.__name__}: {error}" if str(error) else kind.__name__
    _say("error", f"{name} (this is a defect; quayside --debug shows where)")
