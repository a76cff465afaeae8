"""The pages are wrapped, use the words of the glossary, and avoid unclear phrases."""

from __future__ import annotations

import re

import pytest

from tests.support.pages import read, sections
from tests.support.paths import ROOT

GLOSSARY = "docs/glossary.md"
WIDTH = 100

BANNED = (
    *("dock", "docks", "quay", "quays", "harbour", "guest", "guests"),
    *("face of the house", "slip of the pen", "slips of the pen", "qiskit face"),
    *("knows no qiskit", "know no qiskit", "as ever", "hardly ever", "of simquay's own"),
)
"""Metaphors and phrases that say less than the field's terms, in lower case."""


def pages() -> list[str]:
    """Every Markdown page of the repository."""
    folders = [ROOT / name for name in ("docs", "benchmarks", "plugins", "templates")]
    found = [*ROOT.glob("*.md"), *(path for folder in folders for path in folder.rglob("*.md"))]
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


def prose_lines(page: str) -> list[tuple[int, str]]:
    """The numbered lines of a page that are neither in a code block nor in a table."""
    found, in_code = [], False
    for number, line in enumerate(read(page).splitlines(), 1):
        if line.lstrip().startswith("```"):
            in_code = not in_code
        elif not in_code and not line.startswith(("|", "    ")):
            found.append((number, line))
    return found


@pytest.mark.parametrize("page", pages())
def test_lines_are_wrapped(page: str) -> None:
    # A link cannot be broken: its target does not count.
    shown = ((number, re.sub(r"\]\([^)]*\)", "]", line)) for number, line in prose_lines(page))
    assert [number for number, line in shown if len(line) > WIDTH] == []


def texts() -> dict[str, str]:
    """What is read for banned phrases: the pages, and the code of the distributions."""
    sources = [*(ROOT / "src").rglob("*.py"), *ROOT.glob("plugins/*/src/**/*.py")]
    names = [*pages(), *(path.relative_to(ROOT).as_posix() for path in sources)]
    return {name: read(name) for name in names}


@pytest.mark.parametrize("phrase", BANNED)
def test_nothing_says(phrase: str) -> None:
    words = re.compile(rf"\b{phrase}\b".replace(" ", r"[\s#>]+"))
    assert [name for name, text in texts().items() if words.search(text.lower())] == []


def glossary() -> list[tuple[str, str, str]]:
    """Word, meaning and place of each entry."""
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| `([^`]+)` \|$", read(GLOSSARY), re.MULTILINE)
    assert len(rows) == sum(text.count("\n| ") - 1 for text in sections(GLOSSARY).values())
    return rows


def test_the_glossary_gives_each_word_one_meaning_in_order() -> None:
    words = [word for word, _, _ in glossary()]
    assert sorted(set(words)) == sorted(words)
    for section in sections(GLOSSARY).values():
        told = [word for word in words if f"\n| {word} |" in section]
        assert told == sorted(told)
    # One sentence each.
    assert [word for word, text, _ in glossary() if not re.fullmatch(r"[A-Z].*\.", text)] == []


def test_the_glossary_says_where_a_word_lives() -> None:
    places = (ROOT / "src/simquay", ROOT)
    for word, _, path in glossary():
        found = [place / path for place in places if (place / path).is_file()]
        assert found, f"{word}: there is no {path}"
        # The file uses the word, be it in a name.
        squeezed = re.sub(r"[\W_]", "", found[0].read_text(encoding="utf-8").lower())
        assert re.sub(r"\W", "", word) in squeezed, f"{path} does not mention {word!r}"


def test_every_word_of_the_glossary_is_used() -> None:
    used = {name: text.lower() for name, text in texts().items() if name != GLOSSARY}
    for word, _, _ in glossary():
        pattern = re.compile(rf"\b{re.escape(word)}(?:s|es)?\b")
        assert any(pattern.search(text) for text in used.values()), word
