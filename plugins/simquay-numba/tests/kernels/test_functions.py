"""The cache on disk is keyed by every source that compiled code is made of."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

import pytest

import simquay_numba
from simquay_numba.kernels import functions
from simquay_numba.kernels.functions import source_key
from simquay_numba.kernels.run import run_tiles

PACKAGE = Path(simquay_numba.__file__).parent
KERNELS = Path(functions.__file__).parent
SOURCES = sorted(str(path.relative_to(KERNELS)) for path in KERNELS.rglob("*.py"))


@pytest.mark.parametrize("name", SOURCES)
def test_a_change_to_any_source_gives_another_key(tmp_path: Path, name: str) -> None:
    copy = tmp_path / "kernels"
    shutil.copytree(KERNELS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    before = source_key(copy)
    assert before == source_key(KERNELS)
    with (copy / name).open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    assert source_key(copy) != before


def test_compiled_functions_carry_the_key_in_their_names() -> None:
    assert run_tiles.py_func.__qualname__.endswith(source_key(KERNELS))


def test_modules_with_compiled_functions_import_from_the_key_s_package_alone() -> None:
    found = []
    for path in PACKAGE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        decorated = {
            ast.unparse(decorator)
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef)
            for decorator in node.decorator_list
        }
        if "compiled_function" not in decorated:
            continue
        found.append(path.relative_to(KERNELS).as_posix())
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("simquay"):
                assert str(node.module).startswith("simquay_numba.kernels."), path
    assert {
        "gates.py",
        "packing.py",
        "reading.py",
        "rows.py",
        "run.py",
        "scalars.py",
        "strings/means.py",
        "strings/sums.py",
        "strings/transforms.py",
        "strings/windows.py",
        "tables.py",
    } == set(found)
