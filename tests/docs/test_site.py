"""The documentation site: it builds without a warning, and its links lead somewhere."""

from __future__ import annotations

import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import pytest

from tests.support.paths import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("site")]  # built once


class Page(HTMLParser):
    """The links of a page, and the names that others can link to.

    Args:
        path: of the page.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.names: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.names |= {value for name in ("id", "name") if (value := given.get(name))}
        link = given.get("href" if tag in ("a", "link") else "src")
        if link and not urlsplit(link).scheme:
            self.links.append(unquote(link))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("site")
    sphinx = [sys.executable, "-m", "sphinx", "--quiet", "--fail-on-warning", "--keep-going"]
    built = subprocess.run(
        [*sphinx, "-c", str(ROOT / "docs"), str(ROOT), str(target)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return target


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    """By their paths; those of source code aside."""
    sources = site / "_modules"
    return {path: Page(path) for path in site.rglob("*.html") if sources not in path.parents}


def test_each_link_leads_to_a_page_and_a_place_on_it(pages: dict[Path, Page]) -> None:
    dead = []
    for path, page in pages.items():
        for link in page.links:
            target, place = urldefrag(link)
            found = (path.parent / target.partition("?")[0]).resolve() if target else path
            if not found.exists() or (place and found in pages and place not in pages[found].names):
                dead.append((path.name, link))
    assert not dead


def test_each_page_is_reached_from_the_first(site: Path, pages: dict[Path, Page]) -> None:
    waiting, reached = [site / "index.html"], set()
    while waiting:
        path = waiting.pop()
        if path in pages and path not in reached:
            reached.add(path)
            targets = [urldefrag(link).url for link in pages[path].links]
            waiting += [(path.parent / target).resolve() for target in targets if target]
    assert {path.relative_to(site).as_posix() for path in pages.keys() - reached} == set()
