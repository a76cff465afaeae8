"""Writing to the terminal with rich. Import this module only after ``require_extra("rich")``."""

from __future__ import annotations

import os
import sys

from rich.console import Console, RenderableType
from rich.table import Table

__all__ = ["listing", "make_console", "show"]

_UNBOUNDED = 10_000  # columns: a line that goes to a file or a pipe is never wrapped


def make_console() -> Console:
    """A console on stdout that wraps lines at the width of a terminal, and nowhere else."""
    wrap = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console(
        file=sys.stdout, width=None if wrap else _UNBOUNDED, highlight=False, emoji=False
    )


def show(console: Console, *renderables: RenderableType) -> None:
    """Print ``renderables``, through one plain write, so that a broken pipe is ours to handle."""
    with console.capture() as capture:
        for renderable in renderables:
            console.print(renderable, markup=False)
    lines = capture.get().splitlines()
    sys.stdout.write("".join(line.rstrip() + "\n" for line in lines))


def listing(*columns: str) -> Table:
    """An empty table without lines, as shell tools print one."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
