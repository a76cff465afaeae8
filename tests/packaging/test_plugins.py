"""An engine plugin stands alone: on public modules, and its tests run without this checkout."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT

PUBLIC = re.compile(r"simquay(\.(plugin|engine_api|errors|testing(\.engines)?))?")
"""The modules of simquay that tests of an engine plugin may import."""

ENGINES = ["simquay-cupy", "simquay-numba"]

QUICK = {
    "simquay-cupy": ["tests/test_states.py", "tests/test_reading.py"],
    "simquay-numba": ["tests/test_engine_sweeps.py", "tests/test_plugin.py"],
}


def imported(path: Path) -> set[str]:
    """Every module that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def test_the_contract_reads_every_engine_plugin() -> None:
    found = {
        path.relative_to(ROOT / "plugins").parts[0]
        for path in (ROOT / "plugins").glob("*/src/**/*.py")
        if "simquay.engine_api" in imported(path)
    }
    assert sorted(found) == ENGINES
    packages = [name.replace("-", "_") for name in ENGINES]
    config = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (roots,) = re.findall(r"^root_packages = (\[.*\])$", config, re.MULTILINE)
    (sources,) = re.findall(r"^source_modules = (\[.*simquay_.*\])$", config, re.MULTILINE)
    assert sorted(ast.literal_eval(roots)) == ["simquay", *packages]
    assert sorted(ast.literal_eval(sources)) == packages


@pytest.mark.parametrize("plugin", ENGINES)
def test_the_tests_of_a_plugin_import_public_modules_alone(plugin: str) -> None:
    files = sorted((ROOT / "plugins" / plugin / "tests").rglob("*.py"))
    assert files
    wrong = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in files
        for name in sorted(imported(path))
        if name.split(".")[0] in ("simquay", "tests", "benchmarks") and not PUBLIC.fullmatch(name)
    ]
    assert not wrong


@pytest.mark.slow
@pytest.mark.parametrize("plugin", ENGINES)
def test_the_tests_of_a_plugin_run_without_the_checkout(plugin: str, tmp_path: Path) -> None:
    """All are collected, and some run, in a copy of the plugin's folder."""
    folder = tmp_path / plugin
    skip = shutil.ignore_patterns("__pycache__", "*.egg-info", "build")
    shutil.copytree(ROOT / "plugins" / plugin, folder, ignore=skip)

    def python(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-I", *arguments]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)

    assert "No module named 'tests'" in python("-c", "import tests").stderr
    pytest_alone = ("-m", "pytest", "-q", "-p", "no:cacheprovider")
    for arguments in (("--collect-only", "tests"), QUICK[plugin]):
        done = python(*pytest_alone, *arguments)
        assert done.returncode == 0, done.stdout
