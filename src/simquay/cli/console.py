"""Writing to the terminal with rich: tables, and counts as a histogram.

Call ``require_extra("rich", ...)`` before importing it.
"""

from __future__ import annotations

import os
import sys

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from simquay.cli.views.counts import CircuitCounts, counted, most_frequent

__all__ = ["histogram", "listing", "make_console", "show"]

_UNBOUNDED = 10_000  # columns: a line that goes to a file or a pipe is never wrapped
_MOST_ROWS = 20
_WIDEST_BAR = 48
_EIGHTHS = " ▏▎▍▌▋▊▉"


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


def histogram(circuit: CircuitCounts, console: Console) -> RenderableType:
    """Bars, the most frequent outcome first, for the console's width and encoding."""
    shots = circuit.shots
    top, other_outcomes, other_shots = most_frequent(circuit.counts, _MOST_ROWS)
    longest = max(count for _, count in top)
    widest_label = max(len(label) for label, _ in top)
    free = console.width - widest_label - len(str(shots)) - 14  # 14: gaps and "100.0%"
    bar_width = min(_WIDEST_BAR, max(8, free))
    smooth = console.encoding.startswith("utf")

    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("outcome", overflow="fold", justify="right")
    table.add_column("bar", no_wrap=True, width=bar_width)
    table.add_column("shots", no_wrap=True, justify="right")
    table.add_column("share", no_wrap=True, justify="right")
    for label, count in top:
        bar = Text(_bar(count / longest * bar_width, smooth), "cyan")
        table.add_row(label, bar, str(count), f"{count / shots:.1%}")
    if other_outcomes:
        # No bar: one for a sum of many outcomes would dwarf those of single ones.
        note = f"and {counted(other_outcomes, 'other outcome')}"
        table.add_row("", Text(note, "dim"), str(other_shots), f"{other_shots / shots:.1%}")
    title = f"{circuit.name}: {counted(circuit.qubits, 'qubit')}, {counted(shots, 'shot')}"
    if circuit.seed is not None:
        title += f", seed {circuit.seed}"
    return Group(Text(title, "bold"), Text(f"bits: {circuit.bits}", "dim"), table)


def _bar(length: float, smooth: bool) -> str:
    """A bar of ``length`` columns, and not empty, however short it is."""
    if not smooth:
        return "#" * max(1, round(length))
    eighths = max(1, round(length * 8))
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()
