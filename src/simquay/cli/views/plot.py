"""Counts as an image file, drawn by matplotlib without a window."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from simquay.cli.errors import FAILED, CommandError, require_extra
from simquay.cli.views.counts import CircuitCounts, most_frequent

__all__ = ["check_plot_file", "save_plot"]

_MOST_BARS = 32


def check_plot_file(path: Path) -> None:
    """Check, before any work is done, that the file can be written afterwards.

    Raises:
        CommandError: matplotlib is missing, the folder does not exist, or the ending is unknown.
    """
    require_extra("matplotlib", "--plot")
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    kinds = sorted(FigureCanvasAgg.get_supported_filetypes())
    if path.suffix[1:].lower() not in kinds:
        raise CommandError(f"--plot {path}: the file must end in one of .{' .'.join(kinds)}")
    if not path.absolute().parent.is_dir():
        raise CommandError(f"--plot {path}: the folder {path.parent} does not exist")


def save_plot(circuits: Sequence[CircuitCounts], path: Path) -> None:
    """Draw one bar chart for each circuit, one below the other, into ``path``.

    Raises:
        CommandError: the file cannot be written.
    """
    # Figure without pyplot: no global state, and no search for a window system.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.2 * len(circuits)), layout="constrained")
    for index, circuit in enumerate(circuits):
        axes = figure.add_subplot(len(circuits), 1, index + 1)
        bars, other_outcomes, other_shots = most_frequent(circuit.counts, _MOST_BARS)
        bars.sort()
        if other_outcomes:
            bars.append((f"{other_outcomes} others", other_shots))
        positions = range(len(bars))
        axes.bar(positions, [count for _, count in bars], color="#2a6f97")
        axes.set_xticks(positions, [label for label, _ in bars], rotation=70, family="monospace")
        axes.set_ylabel("shots")
        axes.set_title(f"{circuit.name}, {circuit.shots} shots", parse_math=False)
    try:
        figure.savefig(path, dpi=150)
    except OSError as error:
        raise CommandError(f"--plot {path}: {error.strerror or error}", FAILED) from error
