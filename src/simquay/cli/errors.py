"""How a command fails: exit codes, and the error that carries one."""

from __future__ import annotations

from importlib.util import find_spec

__all__ = [
    "BROKEN_PIPE",
    "FAILED",
    "INTERRUPTED",
    "OK",
    "USAGE",
    "CommandError",
    "require_extra",
]

OK = 0
FAILED = 1  # the work was asked for rightly, and failed
USAGE = 2  # argparse's own code: the command line or its input is wrong
INTERRUPTED = 130  # 128 + SIGINT, as shells have it
BROKEN_PIPE = 141  # 128 + SIGPIPE


class CommandError(Exception):
    """Ends a command with one line on stderr and an exit code."""

    def __init__(self, message: str, exit_code: int = USAGE) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def require_extra(module: str, purpose: str) -> None:
    """Refuse to go on where ``module``, which the extra ``[cli]`` brings, is not installed.

    Raises:
        CommandError: saying what to install.
    """
    if find_spec(module) is None:
        raise CommandError(f'{purpose} needs {module}: pip install "simquay[cli]"')
