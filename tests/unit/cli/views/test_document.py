"""JSON documents: any value becomes one that JSON has."""

from __future__ import annotations

import json
from pathlib import PurePosixPath

import pytest

from simquay.cli.views.document import print_json, to_json


def test_values_that_json_has_stay_and_others_become_text() -> None:
    plain = {"a": [1, 2.5, True, None, "x"], "b": {"c": []}}
    assert to_json(plain) == plain
    assert to_json({1: (PurePosixPath("/a"), 1j)}) == {"1": ["/a", "1j"]}


def test_a_document_is_printed_with_a_final_line_break(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"counts": {"00": 3}})
    out, err = capsys.readouterr()
    assert json.loads(out) == {"counts": {"00": 3}}
    assert (out[-2:], err) == ("}\n", "")
