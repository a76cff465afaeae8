"""Options that commands share."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

import pytest

from simquay.cli.options import add_file, add_json, add_precision


def test_the_values_that_commands_get() -> None:
    parser = ArgumentParser()
    add_file(parser)
    add_json(parser)
    add_precision(parser)
    given = parser.parse_args(["bell.qasm", "--json", "--precision", "single"])
    assert vars(given) == {"file": Path("bell.qasm"), "json": True, "precision": "single"}
    left_out = parser.parse_args(["bell.qasm"])
    assert (left_out.json, left_out.precision) == (False, None)


def test_a_command_may_have_its_own_default_precision(capsys: pytest.CaptureFixture[str]) -> None:
    parser = ArgumentParser()
    add_precision(parser, default="double")
    assert parser.parse_args([]).precision == "double"
    with pytest.raises(SystemExit):
        parser.parse_args(["--precision", "half"])
    assert "'half'" in capsys.readouterr().err
