"""Counts as image files: formats, several circuits, and refusals before the run."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from qiskit import QuantumCircuit, qpy

import simquay
from simquay.cli.views.counts import CircuitCounts
from simquay.cli.views.plot import save_plot


@pytest.mark.parametrize(
    ("ending", "magic"), [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml")]
)
def test_a_plot_is_written(cli: Any, bell: Path, tmp_path: Path, ending: str, magic: bytes) -> None:
    picture = tmp_path / f"bell.{ending}"
    called = cli("run", bell, "--plot", picture)
    assert (called.code, called.err) == (0, "")
    assert picture.read_bytes().startswith(magic)


def test_a_plot_of_several_circuits_with_many_outcomes(cli: Any, tmp_path: Path) -> None:
    from matplotlib.image import imread

    wide = QuantumCircuit(7, name="wide $x^2$")  # a name is text, not a formula to be drawn
    wide.h(range(7))
    wide.measure_all()
    path = tmp_path / "two.qpy"
    with path.open("wb") as file:
        qpy.dump([wide, wide], file)
    assert cli("run", path, "--plot", tmp_path / "two.png").code == 0
    height, width = imread(tmp_path / "two.png").shape[:2]
    assert height > 0.7 * width > 0


def test_a_plot_that_cannot_be_written_is_refused_before_the_run(
    cli: Any, bell: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simquay, "get_backend", None)  # a run would fail with a TypeError
    cli("run", bell, "--plot", tmp_path / "no" / "x.png").assert_fails(2, "does not exist")
    cli("run", bell, "--plot", tmp_path / "x.doc").assert_fails(2, ".png")
    cli("run", bell, "--plot", tmp_path / "x").assert_fails(2, ".png")


def test_a_plot_that_fails_after_all_is_an_error_and_the_counts_are_shown(
    cli: Any, bell: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = tmp_path / "taken.png"

    def full(path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("simquay.cli.views.plot.open_target", full)
    called = cli("run", bell, "--plot", picture)
    assert called.code == 1
    assert "ran on " in called.out
    assert called.err.startswith(f"simquay: error: --plot {picture}: ")


def test_a_plot_without_matplotlib_says_what_to_install(
    cli: Any, bell: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    cli("run", bell, "--plot", "x.png").assert_fails(2, 'pip install ".[cli]"')


def test_a_plot_has_room_for_so_many_circuits_and_the_run_is_not_made_for_more(
    cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    circuit = QuantumCircuit(1)
    circuit.measure_all()
    path = tmp_path / "many.qpy"
    with path.open("wb") as file:
        qpy.dump([circuit] * 17, file)
    monkeypatch.setattr(simquay, "get_backend", None)  # a run would fail with a TypeError
    cli("run", path, "--plot", tmp_path / "x.png").assert_fails(2, "16 circuits", "17", "--output")


def test_the_outcomes_that_have_no_bar_are_told_in_words(tmp_path: Path) -> None:
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    counts = {f"{value:07b}": 1 + (value == 3) for value in range(128)}
    few = CircuitCounts("few", 1, "c[0], left to right", 4, 1, {"0": 3, "1": 1})
    many = CircuitCounts("many", 7, "c[6..0], left to right", 129, 1, counts)
    figures: list[Figure] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "savefig", lambda self, *a, **k: figures.append(self))
        save_plot([few, many], tmp_path / "x.png")
    (figure,) = figures
    first, second = figure.axes
    assert [text.get_text() for text in first.texts] == ["3", "1"]
    assert first.get_xlabel() == "bits: c[0], left to right"
    assert second.get_title() == "many, 129 shots\nnot shown: 96 other outcomes, 74.4% of the shots"
    assert [label.get_text() for label in second.get_xticklabels()][3] == "0000011"
    heights = {bar.get_height() for bar in second.patches if isinstance(bar, Rectangle)}
    assert heights == {1, 2}
    assert {label.get_rotation_mode() for label in second.get_xticklabels()} == {"anchor"}
    assert not second.texts


def test_the_path_is_printed_but_never_into_json(cli: Any, bell: Path, tmp_path: Path) -> None:
    picture = tmp_path / "bell.svg"
    assert cli("run", bell, "--plot", picture).out.endswith(f"\nthe plot is in {picture}\n")
    picture.unlink()
    called = cli("run", bell, "--plot", picture, "--json")
    assert json.loads(called.out)["backend"] == "numpy"
    assert called.err == f"simquay: note: the plot is in {picture}\n"
