"""Counts as image files: formats, several circuits, and refusals before the run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from qiskit import QuantumCircuit, qpy

import simquay


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
    cli: Any, bell: Path, tmp_path: Path
) -> None:
    picture = tmp_path / "taken.png"
    picture.mkdir()
    called = cli("run", bell, "--plot", picture)
    assert called.code == 1
    assert "ran on " in called.out
    assert called.err.startswith(f"simquay: error: --plot {picture}: ")


def test_a_plot_without_matplotlib_says_what_to_install(
    cli: Any, bell: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    cli("run", bell, "--plot", "x.png").assert_fails(2, 'pip install "simquay[cli]"')
