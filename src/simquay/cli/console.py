"""Writing to the terminal with rich. Call ``require_extra("rich", ...)`` before importing it."""

from __future__ import annotations

import os
import sys

from rich.console import Console, RenderableType
from rich.table import Table

__all__ = ["listing", "make_console", "show"]

_UNBOUNDED = 10_000  # columns: a line that goes to a file or a pipe is never wrapped


def make_console() -> Console:
    """A console on stdout. It wraps lines at the width of a terminal, but not in a file or pipe."""
    wrap = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console(
        file=sys.stdout, width=None if wrap else _UNBOUNDED, highlight=False, emoji=False
    )


def show(console: Console, *renderables: RenderableType) -> None:
    """Print ``renderables`` in one plain write: rich itself would handle a broken pipe."""
    with console.capture() as capture:
        for renderable in renderables:
            console.print(renderable, markup=False)
    lines = capture.get().splitlines()
    sys.stdout.write("".join(line.rstrip() + "\n" for line in lines))


def listing(*columns: str) -> Table:
    """An empty table without rules, as shell tools print."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
