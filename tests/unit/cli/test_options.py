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
    circuits_on_a_backend,
    json_option,
    option_option,
    precision_option,
    seed_option,
)


@click.command(cls=Command)
@circuits_on_a_backend
@precision_option
@seed_option
@option_option
@json_option
def shared(**values: Any) -> dict[str, Any]:
    return values


def parsed(*words: str) -> Any:
    with shared.make_context("shared", list(words)) as context:
        return shared.invoke(context)


def test_the_values_that_commands_get() -> None:
    words = "bell.qasm --json --precision single --backend numpy --fallback cpu --format qpy"
    words += " --bind a=1 --seed 5 --option memory=true"
    assert parsed(*words.split()) == {
        "file": Path("bell.qasm"),
        "format": "qpy",
        "backend": "numpy",
        "fallback": "cpu",
        "bind": {"a": [1.0]},
        "precision": "single",
        "seed": 5,
        "more": {"memory": True},
        "as_json": True,
    }
    assert parsed("-") == {
        "file": Path("-"),
        "format": None,
        "backend": None,
        "fallback": None,
        "bind": {},
        "precision": None,
        "seed": None,
        "more": {},
        "as_json": False,
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
