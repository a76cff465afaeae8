"""Pictures of how many times longer other simulators take: all topics, for the README, and each by
itself, for its reports. `make figures` draws them.

    python -m benchmarks.figures

Every figure is one of a dated report; nothing is measured. Each picture is drawn twice, for light
and for dark pages. No date is in the files, so the same reports give the same bytes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

REPORTS = Path(__file__).parent / "reports"
FIGURES = REPORTS.parent.parent / "docs" / "figures"

FAMILIES = {
    "qft": "QFT",
    "qv": "quantum volume",
    "tfim": "transverse-field Ising, 10 steps",
    "qaoa": "QAOA",
}
PEERS = {
    "Aer": ("o", "#d55e00"),
    "lightning.kokkos": ("s", "#009e73"),
    "lightning.qubit": ("P", "#009e73"),
    "Qulacs": ("^", "#0072b2"),
    "PRISM-Q": ("D", "#cc79a7"),
}
THEMES = {"light": ("#1f2328", "#d0d7de"), "dark": ("#e6edf3", "#3d444d")}
"""For each theme the colours of text and of lines."""


class Row(NamedTuple):
    """A task.

    Attributes:
        group: of tasks that one report has.
        task: in words.
        ratios: by the name of a simulator, how many times longer it takes than the engine `numba`.
    """

    group: str
    task: str
    ratios: Mapping[str, float]


def states() -> Iterator[Row]:
    """State vectors."""
    report = json.loads((REPORTS / "2026-11-21-numba.json").read_text(encoding="utf-8"))
    names = {"aer": "Aer", "kokkos": "lightning.kokkos", "qulacs": "Qulacs"}
    for row in report["rows"]:
        if row["n"] == 22 and row["precision"] == "double" and row["family"] in FAMILIES:
            ratios = {name: row["ratios"][key] for key, name in names.items()}
            yield Row("State vector, 22 qubits", FAMILIES[row["family"]], ratios)


def table(topic: str, header: str) -> Iterator[list[str]]:
    """The rows of the first table whose header begins so, as cells, in a topic's newest report."""
    report = max(REPORTS.glob(f"????-??-??-{topic}.md"))
    text = report.read_text(encoding="utf-8")
    match = re.search(rf"^\| {re.escape(header)}.*\n\|[-:|\s]+\n((?:\|.*\n)+)", text, re.MULTILINE)
    assert match, (report, header)
    for line in match[1].splitlines():
        yield [cell.strip() for cell in line.strip("|").split("|")]


def number(cell: str) -> float | None:
    match = re.match(r"[\d,.]+", cell)
    return float(match[0].replace(",", "").rstrip(".")) if match else None


NAMES = {"PRISM_Q": "PRISM-Q", "qubit": "lightning.qubit"}


def times(group: str, task: str, ours: str, **theirs: str) -> Row:
    base = number(ours)
    assert base
    found = {NAMES.get(name, name): number(cell) for name, cell in theirs.items()}
    return Row(group, task, {name: time / base for name, time in found.items() if time})


def energies() -> Iterator[Row]:
    """Expectation values."""
    kept = {
        "VQE, 8 qubits, 20 calls one by one": "8 qubits, call by call (VQE)",
        "10 qubits, 50 points": "10 qubits, 50 points",
        "16 qubits, 5 points": "16 qubits, 5 points",
        "20 qubits, 1 point": "20 qubits",
        "14 qubits, 2000 random terms": "14 qubits, 2000 terms",
        "QAOA, 16 qubits, 5 points": "QAOA, 16 qubits, 5 points",
    }
    for case, _, aer, prism, numba, *_ in table("primitives", "case"):
        if case in kept:
            # PRISM-Q's time is that of a prepared sweep, without the primitive's call.
            peers = {"Aer": aer} if "call by call" in kept[case] else {"Aer": aer, "PRISM_Q": prism}
            yield times("Energies, through EstimatorV2", kept[case], numba, **peers)


def gradients() -> Iterator[Row]:
    """Gradients of energies."""
    for qubits, _, numba, _, _, tape, prism, _ in table("gradients", "qubits"):
        yield times("Gradients of energies", f"{qubits} qubits", numba, qubit=tape, PRISM_Q=prism)


def noise() -> Iterator[Row]:
    """Noisy counts."""
    for case, _, _, aer, prism, numba, *_ in table("noise", "case | shots"):
        if "T2 > T1" not in case:
            model = "relaxation" if "T2" in case else "depolarizing"
            task = ", ".join([*case.split(", ")[:2], model])
            yield times("Noisy counts", task, numba, Aer=aer, PRISM_Q=prism)


def draw(rows: list[Row], name: str, theme: str) -> None:
    """Draw tasks to ``name-theme.svg``."""
    text, line = THEMES[theme]
    mpl.rcParams.update({"svg.hashsalt": "simquay", "svg.fonttype": "none", "font.size": 9.5})
    mpl.rcParams.update({"text.color": text, "axes.edgecolor": line, "axes.labelcolor": text})
    mpl.rcParams.update({"xtick.color": text, "ytick.color": text, "font.family": "sans-serif"})
    figure, axes = plt.subplots(figsize=(7.4, 0.27 * len(rows) + 1.9), layout="constrained")
    figure.patch.set_alpha(0)
    axes.patch.set_alpha(0)
    place, places, group = 0.0, [], ""
    for row in rows:
        if row.group != group:
            group = row.group
            place += 0.9
            axes.annotate(
                group,
                (0, place - 0.75),
                xycoords=("axes fraction", "data"),
                xytext=(-6, 0),
                textcoords="offset points",
                ha="right",
                va="center",
                weight="bold",
            )
        axes.axhline(place, color=line, linewidth=0.6, zorder=0)
        for peer, ratio in row.ratios.items():
            marker, colour = PEERS[peer]
            axes.plot(
                ratio,
                place,
                marker,
                color=colour,
                markersize=7,
                markerfacecolor="none",  # no marker hides another
                markeredgewidth=1.6,
                label=peer,
                clip_on=False,
            )
        places.append(place)
        place += 1
    axes.set_yticks(places, [row.task for row in rows])
    axes.tick_params(axis="both", length=0)
    axes.set_ylim(place - 0.4, -0.2)
    axes.set_xscale("log")
    axes.set_xlim(0.12, 300)
    axes.xaxis.set_major_locator(FixedLocator([0.3, 1, 3, 10, 30, 100, 300]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda one, _: f"{one:g}\N{MULTIPLICATION SIGN}"))
    axes.grid(axis="x", color=line, linewidth=0.6)
    axes.axvline(1, color=text, linewidth=1.4)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.set_xlabel("how many times as long as Simquay (engine numba, two cores)")
    once = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    figure.legend(
        once.values(),
        once.keys(),
        loc="outside upper center",
        ncols=len(once),
        frameon=False,
        labelcolor=text,
        handletextpad=0.1,
        columnspacing=1.2,
    )
    FIGURES.mkdir(exist_ok=True)
    figure.savefig(FIGURES / f"{name}-{theme}.svg", metadata={"Date": None, "Creator": None})
    plt.close(figure)


def main() -> None:
    topics = {"states": states, "energies": energies, "gradients": gradients, "noise": noise}
    rows: list[Row] = []
    for topic, found in topics.items():
        rows += (own := [*found()])
        for theme in THEMES:
            draw(own, f"speed-{topic}", theme)
    for theme in THEMES:
        draw(rows, "speed", theme)
    for row in rows:
        told = ", ".join(f"{name} {ratio:.3g}" for name, ratio in row.ratios.items())
        print(f"{row.group}: {row.task}: {told}")


if __name__ == "__main__":
    main()
