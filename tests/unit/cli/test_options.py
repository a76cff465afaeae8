"""Options that commands share, and the completion of backends' names."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from simquay.cli.options import (
    Command,
    backend_option,
    file_argument,
    json_option,
    precision_option,
)


@click.command(cls=Command)
@file_argument
@backend_option
@precision_option
@json_option
def shared(**values: Any) -> dict[str, Any]:
    return values


def parsed(*words: str) -> Any:
    with shared.make_context("shared", list(words)) as context:
        return shared.invoke(context)


def test_the_values_that_commands_get() -> None:
    given = parsed("bell.qasm", "--json", "--precision", "single", "--backend", "numpy")
    assert given == {
        "file": Path("bell.qasm"),
        "as_json": True,
        "precision": "single",
        "backend": "numpy",
    }
    assert parsed("-") == {
        "file": Path("-"),
        "as_json": False,
        "precision": None,
        "backend": None,
    }


def test_engine_is_an_older_spelling_of_backend() -> None:
    assert parsed("x.qpy", "--engine", "reference")["backend"] == "reference"


def test_a_precision_that_does_not_exist() -> None:
    with pytest.raises(click.UsageError, match="'half'"):
        parsed("x.qpy", "--precision", "half")


@pytest.mark.parametrize(
    ("words", "completed"),
    [("simquay ru", "run"), ("simquay run x.qpy --backend nump", "numpy")],
)
def test_a_shell_completes_commands_and_backends(words: str, completed: str) -> None:
    environment = {
        **os.environ,
        "_SIMQUAY_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    done = subprocess.run(
        [sys.executable, "-m", "simquay"], capture_output=True, text=True, env=environment
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [f"plain,{completed}"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_a_script(cli: Any, shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_SIMQUAY_COMPLETE", f"{shell}_source")
    called = cli()
    assert called.code == 0
    assert "_SIMQUAY_COMPLETE" in called.out
