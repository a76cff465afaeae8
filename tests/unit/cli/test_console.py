"""Writing with rich: tables, widths, and files and pipes instead of a terminal."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from rich.text import Text

from simquay.cli.console import listing, make_console, show


def test_lines_wrap_at_the_width_of_a_terminal_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table = listing("name", "")
    table.add_row("numpy", "word " * 30)
    monkeypatch.delenv("COLUMNS", raising=False)
    show(make_console(), table)
    assert len(capsys.readouterr().out.splitlines()) == 2
    monkeypatch.setenv("COLUMNS", "40")
    show(make_console(), table)
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 40


def test_text_is_not_read_as_markup(capsys: pytest.CaptureFixture[str]) -> None:
    show(make_console(), "pip install 'a[bold]' :smile:", Text("[red]"))
    assert capsys.readouterr().out == "pip install 'a[bold]' :smile:\n[red]\n"


def test_output_into_a_pipe_is_not_wrapped_or_coloured() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    done = subprocess.run(
        [sys.executable, "-m", "simquay", "backends"],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    assert "\x1b" not in done.stdout
    (reference,) = [line for line in done.stdout.splitlines() if line.startswith("reference")]
    assert reference.endswith("checked with")
