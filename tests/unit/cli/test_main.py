"""The command line as such: help, version, misuse, and what errors look like."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from simquay.cli.commands import backends as backends_command
from simquay.errors import PluginError, UnknownBackendError


def test_version(cli: Any) -> None:
    called = cli("--version")
    assert (called.code, called.out) == (0, f"simquay {version('simquay')}\n")


def test_alone_it_is_the_help(cli: Any) -> None:
    assert cli() == cli("--help")


@pytest.mark.parametrize("command", [(), ("run",), ("backends",), ("doctor",)])
def test_help(cli: Any, command: tuple[str, ...]) -> None:
    called = cli(*command, "--help")
    assert called.code == 0
    assert called.out.startswith(" ".join(("Usage: simquay", *command)))


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("--debug",), "command"),
        (("fly",), "'fly'"),
        (("run",), "FILE"),
        (("run", "x.qasm", "--shots", "many"), "many"),
        (("run", "x.qasm", "--precision", "half"), "half"),
        (("backends", "--color"), "--color"),
    ],
)
def test_misuse_is_one_line_and_code_2(cli: Any, arguments: tuple[str, ...], part: str) -> None:
    cli(*arguments).assert_fails(2, part, "--help")


def test_the_module_is_the_same_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "simquay", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"simquay {version('simquay')}\n"


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys\n"
        "from simquay.cli.main import main\n"
        "try:\n    main(['run', '--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'qiskit', 'numpy', 'rich', 'matplotlib', 'pluggy'} & set(sys.modules)\n"
        "sys.exit(' '.join(heavy) or 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_errors_with_line_breaks_become_one_line(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    _fail_with(monkeypatch, UnknownBackendError("first\n  second"))
    cli("backends").assert_fails(2, "first second")


def test_a_plugin_that_breaks_the_rules_is_a_failure_not_misuse(
    cli: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fail_with(monkeypatch, PluginError("it made no backend"))
    cli("backends").assert_fails(1, "it made no backend")


def test_debug_shows_the_traceback(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    _fail_with(monkeypatch, UnknownBackendError("no such thing"))
    called = cli("--debug", "backends")
    assert called.code == 2
    assert "Traceback" in called.err
    assert called.err.endswith("simquay: error: no such thing\n")


def test_a_defect_is_one_line_and_code_1(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from simquay.cli import main\n"
        "from simquay.cli.commands import backends\n"
        "def fail(**options):\n    raise ZeroDivisionError('by nought')\n"
        "backends.command.callback = fail\n"
        "sys.exit(main.main(sys.argv[1:]))\n"
    )
    script = tmp_path / "defect.py"
    script.write_text(program)
    done = subprocess.run([sys.executable, script, "backends"], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("simquay: error: ZeroDivisionError: by nought")
    assert done.stderr.count("\n") == 1

    shown = subprocess.run(
        [sys.executable, script, "--debug", "backends"], capture_output=True, text=True
    )
    assert shown.returncode == 1
    assert "Traceback" in shown.stderr


def _fail_with(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(**options: object) -> int:
        raise error

    monkeypatch.setattr(backends_command.command, "callback", fail)
