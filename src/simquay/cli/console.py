"""Writing to the terminal with rich: tables, and counts as a histogram.

Call ``require_extra("rich", ...)`` before importing it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from simquay.cli.output import output
from simquay.cli.views.counts import CircuitCounts, counted, most_frequent
from simquay.errors import one_line

__all__ = ["amplitudes", "histogram", "listing", "make_console", "show"]

_UNBOUNDED = 10_000  # columns: a line that goes to a file or a pipe is never wrapped
_MOST_ROWS = 20
_WIDEST_BAR = 48
_EIGHTHS = " ▏▎▍▌▋▊▉"


def make_console() -> Console:
    """A console on stdout. It wraps lines at the width of a terminal, but not in a file or pipe."""
    wrap = output().isatty() or "COLUMNS" in os.environ
    return Console(file=output(), width=None if wrap else _UNBOUNDED, highlight=False, emoji=False)


def show(console: Console, *renderables: RenderableType) -> None:
    """Print ``renderables`` in one plain write: rich itself would handle a broken pipe."""
    with console.capture() as capture:
        for renderable in renderables:
            whole = isinstance(renderable, Text) and bool(renderable.no_wrap)  # never broken
            console.print(renderable, markup=False, soft_wrap=whole)
    lines = capture.get().splitlines()
    output().write("".join(line.rstrip() + "\n" for line in lines))


class _Listing(Table):
    """A table whose cells show texts that anybody may have written, escaped and cut."""

    def add_row(self, *cells: RenderableType | None, **more: Any) -> None:
        for cell in cells:
            if isinstance(cell, Text):
                cell.plain = one_line(cell.plain)
        super().add_row(*[one_line(one) if isinstance(one, str) else one for one in cells], **more)


def listing(*columns: str) -> Table:
    """An empty table without rules, as shell tools print."""
    table = _Listing(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def histogram(circuit: CircuitCounts, console: Console) -> RenderableType:
    """Bars, the most frequent outcome first, for the console's width and encoding."""
    shots = circuit.shots
    title = f"{one_line(circuit.label)}: {counted(circuit.qubits, 'qubit')}"
    if not circuit.counts:
        return Text(title, "bold")
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
    title += f", {counted(shots, 'shot')}"
    if circuit.seed is not None:
        title += f", seed {circuit.seed}"
    if circuit.method not in (None, "statevector"):
        title += f", method {circuit.method}"
    return Group(Text(title, "bold"), Text(f"bits: {one_line(circuit.bits)}", "dim"), table)


def amplitudes(statevector: Sequence[complex]) -> RenderableType:
    """The most probable basis states, with their amplitudes and probabilities."""
    width = len(statevector).bit_length() - 1
    chosen = sorted(range(len(statevector)), key=lambda index: -abs(statevector[index]))
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for index in chosen[:_MOST_ROWS]:
        value = statevector[index]
        label = f"|{index:0{width}b}>" if width else "|>"
        table.add_row(label, f"{value.real:+.6f}{value.imag:+.6f}j", f"{abs(value) ** 2:.1%}")
    rest = sum(abs(statevector[index]) ** 2 for index in chosen[_MOST_ROWS:])
    if len(chosen) > _MOST_ROWS:
        note = f"and {counted(len(chosen) - _MOST_ROWS, 'other state')}"
        table.add_row("", Text(note, "dim"), f"{rest:.1%}")
    return Group(Text("final state, the last qubit leftmost:", "dim"), table)


def _bar(length: float, smooth: bool) -> str:
    """A bar of ``length`` columns, and not empty, however short it is."""
    if not smooth:
        return "#" * max(1, round(length))
    eighths = max(1, round(length * 8))
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()
