"""Counts as an image file, drawn by matplotlib without a window."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from simquay.cli.errors import FAILED, CommandError, require_extra
from simquay.cli.views.counts import CircuitCounts, counted, most_frequent
from simquay.cli.views.document import check_target, open_target
from simquay.errors import one_line

__all__ = ["check_plot_file", "check_plot_size", "save_plot"]

_MOST_BARS = 32
_MOST_NUMBERS = 12  # bars up to which each has its number of shots
_MOST_CIRCUITS = 16


def check_plot_file(path: Path) -> None:
    """Check, before any work is done, that the file can be written afterwards.

    Raises:
        CommandError: matplotlib is missing, the ending is unknown, or see :func:`check_target`.
    """
    require_extra("matplotlib", "--plot")
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    kinds = sorted(FigureCanvasAgg.get_supported_filetypes())
    if path.suffix[1:].lower() not in kinds:
        raise CommandError(f"--plot {path}: the file must end in one of .{' .'.join(kinds)}")
    check_target("--plot", path)


def check_plot_size(circuits: int) -> None:
    """Check, before any work is done, that so many circuits fit into one image.

    Raises:
        CommandError: they do not.
    """
    if circuits > _MOST_CIRCUITS:
        raise CommandError(
            f"--plot: an image has room for {_MOST_CIRCUITS} circuits, not for {circuits}; "
            "run fewer at a time, or keep the counts with --output FILE"
        )


def save_plot(circuits: Sequence[CircuitCounts], path: Path) -> None:
    """Draw one bar chart for each circuit, one below the other, into ``path``.

    Raises:
        CommandError: the file cannot be written.
    """
    # Figure without pyplot: no global state, and no search for a window system.
    from matplotlib.figure import Figure

    longest = max((len(key) for circuit in circuits for key in circuit.counts), default=1)
    height = 2.8 + 0.09 * min(longest, 64)  # inches: labels stand below the bars
    figure = Figure(figsize=(8, height * len(circuits)), layout="constrained")
    for index, circuit in enumerate(circuits):
        axes = figure.add_subplot(len(circuits), 1, index + 1)
        bars, other_outcomes, other_shots = most_frequent(circuit.counts, _MOST_BARS)
        bars.sort()
        positions = range(len(bars))
        drawn = axes.bar(positions, [count for _, count in bars], color="#2a6f97")
        if len(bars) <= _MOST_NUMBERS:
            axes.bar_label(drawn, fontsize="small")
            axes.margins(y=0.1)  # room for the number of the highest bar
        axes.set_xticks(
            positions,
            [label for label, _ in bars],
            family="monospace",
            rotation=70,
            rotation_mode="anchor",  # the end of a label is below its bar
            ha="right",
        )
        axes.set_ylabel("shots")
        axes.set_xlabel(f"bits: {one_line(circuit.bits, 80)}", parse_math=False)
        title = f"{one_line(circuit.label, 80)}, {counted(circuit.shots, 'shot')}"
        if other_outcomes:  # no bar: one for a sum of many outcomes would dwarf the others
            others = counted(other_outcomes, "other outcome")
            title += f"\nnot shown: {others}, {other_shots / circuit.shots:.1%} of the shots"
        axes.set_title(title, parse_math=False)
    try:
        with open_target(path) as file:
            figure.savefig(file, dpi=150, format=path.suffix[1:].lower())
    except OSError as error:
        raise CommandError(f"--plot {path}: {error.strerror or error}", FAILED) from error
