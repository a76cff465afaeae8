"""Messages on stderr: one line each, and warnings and logging are as they were afterwards."""

from __future__ import annotations

import logging
import warnings
from typing import Any

import pytest

from simquay.cli.commands import backends as backends_command
from simquay.cli.messages import did_you_mean, in_options, log_messages, say, warning_messages
from simquay.errors import SimquayFallbackWarning


def test_the_closest_name_is_suggested() -> None:
    assert did_you_mean("thet", {"phi", "theta"}) == "; did you mean 'theta'?"
    assert did_you_mean("x", {"phi", "theta"}) == ""


@pytest.mark.parametrize(
    ("python", "command_line"),
    [
        ("another is simquay.get_backend('aer-mps')", "another is --backend aer-mps"),
        ("option method='foo': expected", "--method foo: expected"),
        ("method='trajectories' needs 49 MiB", "--method trajectories needs 49 MiB"),
        ("option shots=-1: expected", "--shots -1: expected"),
        ("no option is named 'noise_model'", "no option is named 'noise_model' (--noise)"),
    ],
)
def test_python_s_options_are_those_of_the_command_line(python: str, command_line: str) -> None:
    assert in_options(python) == command_line


def test_an_empty_name_of_a_backend_is_wrong_usage(cli: Any) -> None:
    called = cli("run", "examples/ghz.qasm", "--backend", "")
    assert called.code == 2
    assert "--backend: backend name '' is empty" in called.err


def test_a_message_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    say("error", "first\n   second ")
    assert capsys.readouterr() == ("", "simquay: error: first second\n")


def test_other_warnings_are_left_to_python(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown: list[str] = []

    def record(message: Warning | str, *place: object) -> None:
        shown.append(str(message))

    monkeypatch.setattr(warnings, "showwarning", record)
    with warning_messages():
        warnings.simplefilter("always")
        warnings.warn("old", DeprecationWarning, stacklevel=1)
        warnings.warn("took numpy", SimquayFallbackWarning, stacklevel=1)
    assert shown == ["old"]
    assert capsys.readouterr().err == "simquay: warning: took numpy\n"
    assert warnings.showwarning is record


def test_no_warning_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with warning_messages():
            warnings.warn("took numpy", SimquayFallbackWarning, stacklevel=1)
        with pytest.raises(SimquayFallbackWarning):
            warnings.warn("took numpy", SimquayFallbackWarning, stacklevel=1)
    assert capsys.readouterr().err == "simquay: warning: took numpy\n"


def test_an_error_is_logged_with_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    with log_messages(everything=False):
        try:
            raise ValueError("broken")
        except ValueError:
            logging.getLogger("simquay.somewhere").exception("it failed")
    err = capsys.readouterr().err
    assert err.startswith("it failed\nTraceback")
    assert err.rstrip().endswith("ValueError: broken")


def test_simquay_s_warnings_are_one_line(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def warn(**options: object) -> int:
        warnings.warn("took numpy", SimquayFallbackWarning, stacklevel=1)
        return 0

    monkeypatch.setattr(backends_command.command, "callback", warn)
    called = cli("backends")
    assert (called.code, called.err) == (0, "simquay: warning: took numpy\n")


@pytest.mark.parametrize(("options", "told"), [((), ["note: slow"]), (("--debug",), None)])
def test_what_simquay_logs_is_one_line_each(
    cli: Any, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], told: list[str] | None
) -> None:
    def log(**options: object) -> int:
        logger = logging.getLogger("simquay.somewhere")
        logger.debug("thinking")
        logger.warning("slow")
        return 0

    monkeypatch.setattr(backends_command.command, "callback", log)
    logger = logging.getLogger("simquay")
    before = logger.level, list(logger.handlers)
    called = cli(*options, "backends")
    lines = [f"simquay: {line}" for line in told or ["note: thinking", "note: slow"]]
    assert (called.code, called.err.splitlines()) == (0, lines)
    assert (logger.level, logger.handlers) == before
