"""Exit codes, and the error that ends a command with one."""

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
FAILED = 1  # the command line was right, but the work failed
USAGE = 2  # as of most commands: the command line or its input is wrong
INTERRUPTED = 130  # 128 + SIGINT, as in shells
BROKEN_PIPE = 141  # 128 + SIGPIPE


class CommandError(Exception):
    """An error that ends a command with one line on stderr and an exit code."""

    def __init__(self, message: str, exit_code: int = USAGE) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def require_extra(module: str, purpose: str) -> None:
    """Check that ``module``, which the extra ``[cli]`` installs, is there.

    Raises:
        CommandError: it is not installed; the message says how to.
    """
    if find_spec(module) is None:
        raise CommandError(
            f'{purpose} needs {module}: pip install ".[cli]" in a checkout of Simquay'
        )
