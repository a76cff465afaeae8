"""Reading the Markdown pages of the documentation."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.support.paths import ROOT

__all__ = ["Block", "blocks", "first_column", "read", "sections"]


def read(page: str) -> str:
    """The text of a page, whose path is from the root of the repository."""
    return (ROOT / page).read_text(encoding="utf-8")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    language: str
    line: int
    text: str


def blocks(page: str, language: str) -> list[Block]:
    found = []
    pattern = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    text = read(page)
    for match in pattern.finditer(text):
        line = text[: match.start()].count("\n") + 2
        found.append(Block(match[1], line, match[2]))
    return [block for block in found if block.language == language]


def sections(page: str) -> dict[str, str]:
    """A page's second-level sections by heading."""
    parts = re.split(r"^## (.+)$", read(page), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def first_column(text: str, header: str) -> list[str]:
    """The first column of the tables whose header row begins with ``header``."""
    column = []
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        rows = [re.split(r"(?<!\\)\|", row)[1].strip() for row in table.splitlines() if row.strip()]
        if rows[0] == header:
            column += rows[2:]
    return column
