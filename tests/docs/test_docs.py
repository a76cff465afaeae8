"""The documentation is correct: its code runs, links lead to pages, and tables match the code."""

from __future__ import annotations

import code
import contextlib
import io
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from typing import Any
from unittest import mock

import click
import pytest

from simquay.cli import errors as exit_codes
from simquay.cli.main import cli, main
from simquay.registry.requests import VARIABLES
from simquay.simulators.builtin import simquay_register_backends
from tests.support.pages import Block, blocks, first_column, read, sections
from tests.support.paths import DOCS, ROOT

BENCHMARKS = ROOT / "benchmarks"
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (
        *ROOT.glob("*.md"),
        *DOCS.rglob("*.md"),
        *BENCHMARKS.rglob("*.md"),
        *ROOT.glob("plugins/*.md"),
        *ROOT.glob("plugins/*/README.md"),
    )
)
# Dated reports record what was run on some machine once, and plugins may need other machines.
RUN_PAGES = [page for page in PAGES if not page.startswith(("benchmarks/reports/", "plugins/"))]


class Console(code.InteractiveConsole):
    """The interactive interpreter, whose errors are raised instead of shown.

    Args:
        page: that blocks are pasted from.
        runs: whether what is pasted runs; else it is compiled alone.
    """

    def __init__(self, page: str, *, runs: bool = True) -> None:
        super().__init__({"__name__": "__main__"})
        self._page, self._runs = page, runs

    def paste(self, block: Block) -> None:
        """Give the lines of a block one by one, and an empty one, which ends a last statement."""
        self.filename = f"{self._page}, the block at line {block.line}"
        for line in (*block.text.splitlines(), ""):
            more = self.push(line)
        assert not more, self.filename

    def runcode(self, code: CodeType) -> None:
        if self._runs:
            super().runcode(code)

    def showtraceback(self) -> None:
        raise  # it is called where an error is handled

    def showsyntaxerror(self, filename: str | None = None, **more: object) -> None:
        raise


def run_python(page: str) -> str:
    """Paste a page's Python blocks into the interpreter, in order; returns what they print."""
    console = Console(page)
    output = io.StringIO()
    with contextlib.redirect_stdout(output), mock.patch("sys.displayhook"):
        for block in blocks(page, "python"):
            console.paste(block)
    return output.getvalue()


@pytest.fixture(autouse=True)
def _in_the_checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """And with another job store than the user's."""
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv("SIMQUAY_JOB_STORE", raising=False)
    monkeypatch.setattr("platformdirs.user_data_dir", lambda *names, **options: str(tmp_path))


def test_the_pages_are_found() -> None:
    assert {"README.md", "docs/tutorial.md", "docs/reference/cli.md"} <= set(PAGES)
    assert blocks("README.md", "python")
    assert blocks("docs/tutorial.md", "console")


# --- code -------------------------------------------------------------------------------------


# One page asks for a GPU with a fallback, which warns on a machine without a GPU.
@pytest.mark.filterwarnings("ignore::simquay.errors.SimquayFallbackWarning")
@pytest.mark.parametrize("page", [page for page in RUN_PAGES if blocks(page, "python")])
def test_python_runs_as_pasted(page: str) -> None:
    run_python(page)


@pytest.mark.parametrize("page", PAGES)
def test_python_that_is_not_run_here_can_be_pasted(page: str) -> None:
    console = Console(page, runs=False)
    for language in ("python", "py") if page not in RUN_PAGES else ("py",):
        for block in blocks(page, language):
            console.paste(block)


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python3")])
def test_whole_files_compile(page: str) -> None:
    """A file that a page shows whole has blank lines in its classes, and is not pasted."""
    for block in blocks(page, "python3"):
        compile(block.text, f"{page}:{block.line}", "exec")


def test_the_console_refuses_what_the_interpreter_refuses() -> None:
    for text in ("for x in ():\n    x\nprint(1)\n", "def f():\n    x = 1\n\n    return x\n"):
        with pytest.raises(SyntaxError):
            Console("page", runs=False).paste(Block("python", 1, text))


@pytest.mark.slow
def test_the_tutorial_can_be_pasted_into_python() -> None:
    """Into a real one, which reads its input as from a terminal."""
    text = "\n".join(block.text + "\n" for block in blocks("docs/tutorial.md", "python"))
    command = [sys.executable, "-q", "-i", "-W", "error"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, cwd=ROOT)
    assert re.sub(r"(>>>|\.\.\.) ", "", done.stderr).strip() == ""
    assert done.stdout.splitlines()[-1] == "JobStatus.CANCELLED"


def test_the_readme_shows_eight_lines_that_count_and_four_that_estimate() -> None:
    first, second = blocks("README.md", "python")
    assert (len(first.text.splitlines()), len(second.text.splitlines())) == (8, 4)
    counts, value = run_python("README.md").splitlines()
    assert set(eval(counts)) == {"00", "11"}
    assert sum(eval(counts).values()) == 1000
    assert float(value) == pytest.approx(1.0)


def test_the_tutorial_prints_what_it_promises() -> None:
    lines = run_python("docs/tutorial.md").splitlines()
    counts, same, coin, cancelled, status = lines[0], lines[1], lines[2], lines[-2], lines[-1]
    assert set(eval(counts)) == {"00", "11"}
    assert same == "True"
    assert set(eval(coin)) == {"00", "11"}
    assert cancelled == "True"
    assert status == "JobStatus.CANCELLED"


def commands(page: str) -> list[str]:
    """The ``simquay`` commands that a page tells the reader to type."""
    typed = re.compile(r"^\$ (simquay .*)$", re.MULTILINE)
    return [command for block in blocks(page, "console") for command in typed.findall(block.text)]


ALL_COMMANDS = sorted({command for page in RUN_PAGES for command in commands(page)})


@pytest.mark.parametrize("command", ALL_COMMANDS)
def test_commands_run_as_typed(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.excepthook", None)
    assert main(shlex.split(command)[1:]) == 0
    assert capsys.readouterr().out


# --- links ------------------------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as hosting sites make them."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    kept = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.strip().replace(" ", "-") for heading in kept}


def links(page: str) -> Iterator[str]:
    text = re.sub(r"^```.*?^```$", "", read(page), flags=re.M | re.S)
    yield from re.findall(r"\]\(([^)\s]+)\)", text)
    yield from re.findall(r"^\[[^\]]+\]:\s+(\S+)$", text, re.MULTILINE)


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    broken = []
    for link in links(page):
        if re.match(r"https?://|mailto:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        inside = target.resolve().is_relative_to(ROOT)
        if not inside or not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("page", [page for page in PAGES if "/reports/" not in page])
def test_files_that_are_named_exist(page: str) -> None:
    """A page names a file by the end of its path, in backticks."""
    named = set(re.findall(r"`([\w/.-]+\.(?:py|cuh?|cpp|jinja))`", read(page)))
    folders = ("src", "tests", "benchmarks", "examples", "plugins", "templates")
    paths = [path.relative_to(ROOT) for name in folders for path in (ROOT / name).rglob("*.*")]
    files = [f"/{path}".removesuffix(".jinja") for path in paths]
    assert {name for name in named if not any(file.endswith(f"/{name}") for file in files)} == set()


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, waiting = set[str](), ["README.md"]
    while waiting:
        page = waiting.pop()
        reached.add(page)
        for link in links(page):
            target = ((ROOT / page).parent / link.partition("#")[0]).resolve()
            # The test of links reports a page that does not exist.
            if target.suffix == ".md" and target.is_relative_to(ROOT) and target.exists():
                name = target.relative_to(ROOT).as_posix()
                waiting += [name] * (name not in reached)
    assert [page for page in RUN_PAGES if page not in reached] == []


# --- tables -----------------------------------------------------------------------------------


COMMANDS: dict[str, click.Command] = {
    "simquay": cli,
    **{f"simquay {name}": command for name, command in cli.commands.items()},
    **{
        f"simquay {name} {below}": command
        for name, group in cli.commands.items()
        for below, command in getattr(group, "commands", {}).items()
    },
}


@pytest.mark.parametrize("command", COMMANDS)
def test_the_reference_has_every_option_of_the_command_line(command: str) -> None:
    documented = set()
    for cell in first_column(sections("docs/reference/cli.md")[command], "option"):
        match = re.match(r"`([^`]+)`", cell)
        assert match, cell
        documented.add(match[1])
    actual = {
        str(one.metavar) if isinstance(one, click.Argument) else one.opts[-1]
        for one in COMMANDS[command].params
    }
    if command == "simquay":
        actual.add("--help")  # documented once, for the whole command line
    assert documented == actual


def test_the_reference_has_no_command_that_does_not_exist() -> None:
    told = {title for title in sections("docs/reference/cli.md") if title.startswith("simquay")}
    assert told == set(COMMANDS)


def test_the_reference_shows_every_command() -> None:
    for command in cli.commands:
        assert f"(../figures/cli-{command}.svg)" in read("docs/reference/cli.md")
        picture = (DOCS / "figures" / f"cli-{command}.svg").read_text(encoding="utf-8")
        assert f"simquay&#160;{command}" in picture


def test_the_reference_has_every_exit_code() -> None:
    told = first_column(sections("docs/reference/cli.md")["Exit codes"], "code")
    actual = {
        value
        for name, value in vars(exit_codes).items()
        if name.isupper() and isinstance(value, int)
    }
    assert {int(code) for code in told} == actual


def json_of(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    monkeypatch.setattr("sys.excepthook", None)
    assert main(shlex.split(command)) == 0
    document = json.loads(capsys.readouterr().out)
    assert isinstance(document, dict)
    return document


def test_the_reference_has_every_key_of_the_json_documents(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = json_of("run examples/ghz.qasm --json", capsys, monkeypatch)
    estimate = json_of("estimate examples/ghz.qasm --observable ZZZZZ --json", capsys, monkeypatch)
    report = json_of("doctor --json", capsys, monkeypatch)
    backends = json_of("backends --all --json", capsys, monkeypatch)
    json_of("run examples/ghz.qasm --keep --json", capsys, monkeypatch)
    (kept,) = json_of("jobs --json", capsys, monkeypatch)["jobs"]
    assert set(backends) == {"backends", "installable", "plugins"}
    documents = {
        "run": run,
        "circuit": run["circuits"][0],
        "estimate": estimate,
        "point": estimate["circuits"][0]["points"][0],
        "report": report,
        "backend": backends["backends"][0],
        "plugin": report["plugins"][0],
        "kept job": kept,
    }
    for header, document in documents.items():
        assert told_names("docs/reference/cli.md", header) == set(document), header


def told_names(page: str, header: str) -> set[str]:
    return {cell.strip("`") for cell in first_column(read(page), header)}


def test_the_reference_has_every_environment_variable() -> None:
    told = told_names("docs/reference/environment.md", "variable")
    used = {
        name
        for path in (ROOT / "src").rglob("*.py")
        for name in re.findall(r"\bSIMQUAY_[A-Z][A-Z_]*[A-Z]\b", path.read_text(encoding="utf-8"))
    }
    # An attribute of plugin modules, not an environment variable.
    used.discard("SIMQUAY_PLUGIN_API")
    assert told == used
    assert told == set(VARIABLES)  # which `simquay doctor` knows


ARCHITECTURE = "docs/explanation/architecture.md"


def test_the_architecture_lists_every_package() -> None:
    packages = {
        f"{init.parent.relative_to(ROOT).as_posix()}/"
        for source in (ROOT / "src", *ROOT.glob("plugins/*/src"))
        for init in source.rglob("__init__.py")
    }
    assert told_names(ARCHITECTURE, "package") == packages


def test_the_architecture_names_what_exists() -> None:
    folders = {
        f"{path.relative_to(ROOT).as_posix()}/"
        for path in (*(ROOT / "tests").iterdir(), ROOT / "benchmarks")
        if path.is_dir() and path.name != "__pycache__"
    }
    told = told_names(ARCHITECTURE, "folder")
    assert folders <= told
    assert [path for path in told if not (ROOT / path).is_dir()] == []
    # Elsewhere on the page, paths are within src/simquay or from the root.
    paths = re.findall(r"`([a-z_]+/[\w/.-]+)`", read(ARCHITECTURE))
    places = (ROOT / "src/simquay", ROOT)
    assert [one for one in paths if not any((place / one).exists() for place in places)] == []


def test_the_architecture_has_the_layers_that_are_enforced() -> None:
    layers = re.search(r"^layers = \[\n(.*?)^\]", read("pyproject.toml"), re.MULTILINE | re.DOTALL)
    assert layers
    _, told = blocks(ARCHITECTURE, "text")  # the first shows one run
    assert told.text.split("\n")[:-1] == re.findall(r'"(.*)"', layers[1])


def test_the_readme_has_every_backend_and_plugin() -> None:
    row = r"^\| `([^`]+)` \|.*\| \[?(simquay[a-z-]*)\S* \|$"
    rows = re.findall(row, read("README.md"), re.MULTILINE)
    own = {name for name, distribution in rows if distribution == "simquay"}
    assert own == {spec.name for spec in simquay_register_backends()}
    plugins = {path.parent.name for path in ROOT.glob("plugins/*/pyproject.toml")}
    assert {distribution for _, distribution in rows} == {"simquay"} | plugins
