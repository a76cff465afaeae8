"""Options that commands share, and the completion of backends' names."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from simquay.cli.errors import CommandError
from simquay.cli.options import (
    Command,
    circuits_on_a_backend,
    json_option,
    noise_given,
    noise_options,
    option_option,
    precision_option,
    seed_option,
)


@click.command(cls=Command)
@circuits_on_a_backend
@precision_option
@seed_option
@noise_options
@option_option
@json_option
def shared(**values: Any) -> dict[str, Any]:
    return values


def parsed(*words: str) -> Any:
    with shared.make_context("shared", list(words)) as context:
        return shared.invoke(context)


def test_the_values_that_commands_get() -> None:
    words = "bell.qasm --json --precision single --backend numpy --fallback cpu --format qpy"
    words += " --bind a=1 --seed 5 --option memory=true --noise fake:Device --method trajectories"
    assert parsed(*words.split()) == {
        "file": Path("bell.qasm"),
        "format": "qpy",
        "backend": "numpy",
        "fallback": "cpu",
        "bind": {"a": [1.0]},
        "precision": "single",
        "seed": 5,
        "noise": "fake:Device",
        "method": "trajectories",
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
        "noise": None,
        "method": None,
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


MODULE = """
class Device:
    pass

model = Device()

def made():
    return model

def raising():
    raise LookupError("no such device")
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the module ``devices_of_a_test``, which is imported from there."""
    (tmp_path / "devices_of_a_test.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_noise_is_an_object_of_a_module_or_what_it_gives(folder: Path) -> None:
    import devices_of_a_test as devices  # type: ignore[import-not-found]  # written by the fixture

    assert noise_given(None, None) == {}
    assert noise_given(None, "trajectories") == {"method": "trajectories"}
    for name in ("model", "made"):
        assert noise_given(f"devices_of_a_test:{name}", None) == {"noise_model": devices.model}
    made = noise_given("devices_of_a_test:Device", None)["noise_model"]
    assert type(made) is devices.Device


def test_noise_is_a_file(folder: Path) -> None:
    (folder / "model.json").write_text('{"errors": []}')
    (folder / "model").write_text('{"errors": [1]}')
    assert noise_given("model.json", None) == {"noise_model": {"errors": []}}
    assert noise_given("model", None) == {"noise_model": {"errors": [1]}}


@pytest.mark.parametrize(
    ("noise", "said"),
    [
        ("nothing.json", "there is no such file"),
        ("devices_of_a_test.py", "the file is no JSON: "),
        ("devices_of_no_test:Device", "No module named 'devices_of_no_test'"),
        ("devices_of_a_test:Devise", "has no attribute 'Devise'"),
        ("devices_of_a_test:raising", "LookupError: no such device"),
    ],
)
def test_noise_that_cannot_be_read_is_told(folder: Path, noise: str, said: str) -> None:
    with pytest.raises(CommandError) as caught:
        noise_given(noise, None)
    assert str(caught.value).startswith(f"--noise {noise}: ")
    assert said in str(caught.value)
    assert "expected a JSON file" in str(caught.value)
