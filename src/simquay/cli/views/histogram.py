"""Counts as a histogram in the terminal."""

from __future__ import annotations

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from simquay.cli.views.counts import CircuitCounts, counted, most_frequent

__all__ = ["histogram"]

_MOST_ROWS = 20
_WIDEST_BAR = 48
_EIGHTHS = " ▏▎▍▌▋▊▉"


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
