"""Every point of the job contract has a test in this folder, and the test has the point's name."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.paths import DOCS


def test_every_point_that_plugin_authors_check_is_tested_here() -> None:
    page = (DOCS / "reference/testing.md").read_text(encoding="utf-8")
    points = set(re.findall(r"^\| (J\d\d) \|", page, re.MULTILINE))
    assert points == {f"J{number:02}" for number in range(1, 44)}
    tested = set()
    for path in Path(__file__).parent.glob("test_*.py"):
        for name in re.findall(r"^def test((?:_j\d\d)+)_", path.read_text("utf-8"), re.MULTILINE):
            tested |= {point.upper() for point in name.strip("_").split("_")}
    assert not points - tested
