"""The tree shows the architecture: what docs/explanation/architecture.md promises of its layout."""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path

import pytest

from tests.support.paths import DOCS, ROOT

SOURCES = [ROOT / "src", *sorted((ROOT / "plugins").glob("*/src"))]
MOST_MODULES = 12
MOST_LINES = 400

WITHOUT_TESTS = {
    "simquay.__main__": "calls main; tests/unit/cli/test_main_process.py runs it",
    "simquay.execution.settings": "records without behaviour; every test of a run uses them",
    "simquay.jobs.timing": "constants; the tests of what waits use them",
    "simquay.registry.hookspecs": "a signature; test_entry_points_loading.py calls what has it",
    "simquay.system.variables": "a name; the tests of the doctor and of the job store use it",
}
"""Modules that need no test file of their own, and why."""


@cache
def modules() -> dict[str, Path]:
    """Every module of the distributions, by dotted name."""
    found = {}
    for source in SOURCES:
        for path in source.rglob("*.py"):
            parts = path.relative_to(source).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def tree_of(name: str) -> ast.Module:
    return ast.parse(modules()[name].read_text(encoding="utf-8"))


@cache
def imports_of(name: str) -> set[str]:
    """The modules of ours that a module imports, inside functions and for type checkers too."""
    found = set()
    for node in ast.walk(tree_of(name)):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if inner in modules() else node.module)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return (found & set(modules())) - {name}


def folders() -> list[Path]:
    return sorted({path.parent for path in modules().values()})


def shown(folder: Path) -> str:
    return str(folder.relative_to(ROOT))


@pytest.mark.parametrize("folder", folders(), ids=shown)
def test_a_folder_can_be_seen_at_a_glance(folder: Path) -> None:
    names = sorted(path.stem for path in folder.glob("*.py"))
    assert len(names) <= MOST_MODULES, f"split {shown(folder)} by subject: {names}"
    prefixes = Counter(name.split("_")[0] for name in names if not name.startswith("_"))
    shared = [prefix for prefix, number in prefixes.items() if number >= 3]
    assert not shared, f"{shared} in {shown(folder)}: a prefix is a folder that nobody made"


def test_no_module_is_long() -> None:
    lengths = {name: len(path.read_text("utf-8").splitlines()) for name, path in modules().items()}
    long = {name: length for name, length in lengths.items() if length > MOST_LINES}
    assert not long, "split by subject"


@pytest.mark.parametrize("folder", folders(), ids=shown)
def test_a_package_says_what_it_takes_and_gives_and_where_to_begin(folder: Path) -> None:
    text = ast.get_docstring(ast.parse((folder / "__init__.py").read_text("utf-8"))) or ""
    if folder.parent.name == "src":  # a distribution's face says how it is used
        assert text
        return
    for word in ("Takes", "Gives", "Read"):
        assert re.search(rf"\b{word}\b", text), f"{shown(folder)}/__init__.py: no sentence {word!r}"
    for file in re.findall(r"``([\w/]+\.py)``", text):
        assert (folder / file).exists(), f"{shown(folder)}/__init__.py sends readers to {file}"


def test_no_module_imports_itself_through_others() -> None:
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join((*path[path.index(name) :], name))
        if name not in done:
            for other in sorted(imports_of(name)):
                visit(other, (*path, name))
            done.add(name)

    for name in sorted(modules()):
        visit(name, ())


def test_packages_beside_each_other_depend_one_way() -> None:
    """Of two packages in one folder, at most one imports from the other, directly or not."""
    packages = {name for name, path in modules().items() if path.stem == "__init__"}
    graph: defaultdict[str, set[str]] = defaultdict(set)
    for name in modules():
        inside = [name, *(name[:end] for end, letter in enumerate(name) if letter == ".")]
        for other in imports_of(name):
            outer = {other, *(other[:end] for end, letter in enumerate(other) if letter == ".")}
            for package in packages.intersection(inside) - outer:
                graph[package] |= {
                    beside
                    for beside in packages & outer - set(inside)
                    if beside.rpartition(".")[0] == package.rpartition(".")[0]
                }

    def reached(start: str) -> set[str]:
        found: set[str] = set()
        waiting = [start]
        while waiting:
            for beside in graph[waiting.pop()] - found:
                found.add(beside)
                waiting.append(beside)
        return found

    assert not {name for name in packages if name in reached(name)}


BY_STRING = ("import_module", "__import__", "resolve_name", "sys.modules")


def strings_that_import(name: str) -> list[str]:
    found = []
    for node in ast.walk(tree_of(name)):
        if isinstance(node, ast.Call) and node.args:
            taken, string = node.func, node.args[0]
        elif isinstance(node, ast.Subscript):
            taken, string = node.value, node.slice
        else:
            continue
        is_ours = isinstance(string, ast.Constant | ast.JoinedStr) and "simquay" in ast.unparse(
            string
        )
        if is_ours and ast.unparse(taken).endswith(BY_STRING):
            found.append(f"{name}: {ast.unparse(node)}")
    return found


def test_nothing_is_imported_by_a_string_of_ours() -> None:
    """Such an import is hidden from the linter. The packages that import lazily may have some."""
    lazy = {"simquay", "simquay.simulators"}
    assert not [found for name in set(modules()) - lazy for found in strings_that_import(name)]


def test_nothing_is_here_for_tests_alone() -> None:
    """A module is imported by another, or is named: by an entry point, a spec, a command line, or
    the documentation as something to import."""
    importers = defaultdict(set)
    for name in modules():
        for other in imports_of(name):
            importers[other].add(name)
    texts = [path.read_text("utf-8") for path in ROOT.glob("**/pyproject.toml")]
    texts += [path.read_text("utf-8") for path in modules().values()]
    texts += [path.read_text("utf-8") for path in DOCS.rglob("*.md")]
    named = set(re.findall(r"\bsimquay\w*(?:\.\w+)+", "\n".join(texts)))
    named |= {name.rpartition(".")[0] for name in named}
    alone = [
        name
        for name, path in modules().items()
        if not importers[name] and path.stem not in ("__init__", "__main__") and name not in named
    ]
    assert not alone


def test_the_tests_of_a_module_are_found_by_its_name() -> None:
    """``a/b.py`` has tests in ``a/test_b.py``, or in several files ``a/test_b_*.py``."""
    missing = []
    for name, path in modules().items():
        if path.stem.startswith("__") or name in WITHOUT_TESTS:
            continue
        source = next(source for source in SOURCES if source in path.parents)
        inside = Path(*path.relative_to(source).parent.parts[1:])
        tests = ROOT / "tests/unit" if source == SOURCES[0] else source.parent / "tests"
        folder = tests / inside
        if not [*folder.glob(f"test_{path.stem}.py"), *folder.glob(f"test_{path.stem}_*.py")]:
            missing.append(name)
    assert not missing
