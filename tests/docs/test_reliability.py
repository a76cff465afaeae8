"""The pages about reliability and security name tests and modules that exist."""

from __future__ import annotations

import re

import pytest

from tests.support.pages import read
from tests.support.paths import ROOT

PAGE = "docs/explanation/reliability.md"


def rows() -> list[list[str]]:
    """The cells of each row of the tables, without headings."""
    lines = [line for line in read(PAGE).splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return [row for row in cells if row[0] != "fault"]


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0][:60])
def test_each_promise_names_a_test_that_exists(row: list[str]) -> None:
    assert len(row) == 3
    for one in row[2].split(", "):
        named = re.fullmatch(r"`([\w/.-]+\.py)::(test_\w+)`", one)
        assert named, one
        path, name = named.groups()
        assert re.search(rf"^def {name}\(", (ROOT / path).read_text("utf-8"), re.MULTILINE), one


def test_security_names_every_module_that_reads_pickles() -> None:
    sources = [ROOT / "src/simquay", *ROOT.glob("plugins/*/src")]
    reads = re.compile(r"^[^#\n]*\bpickle\.loads?\(", re.MULTILINE)
    found = {
        path.relative_to(source).as_posix()
        for source in sources
        for path in source.rglob("*.py")
        if reads.search(path.read_text("utf-8"))
    }
    found = {path for path in found if not path.startswith("testing/")}  # of its own objects
    told = set(re.findall(r"`([\w/]+\.py)`", read("SECURITY.md")))
    assert found <= told
    assert [path for path in told if not any((one / path).exists() for one in sources)] == []
