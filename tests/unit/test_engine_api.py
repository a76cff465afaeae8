"""The engine API: its names and its version. That it needs no Qiskit is a test of the packaging."""

from __future__ import annotations

import ast
from pathlib import Path

from simquay import engine_api
from simquay.engines.base import check_plan


def test_it_only_exports_again() -> None:
    """The names are those of the modules below: the module defines nothing."""
    tree = ast.parse(Path(engine_api.__file__).read_text())
    defined = {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    assert defined == {"__all__"}
    assert not [node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
    assert engine_api.ENGINE_API == 1
    assert engine_api.check_plan is check_plan


def test_all_that_it_imports_is_public() -> None:
    tree = ast.parse(Path(engine_api.__file__).read_text())
    imported = {
        name.name for node in tree.body if isinstance(node, ast.ImportFrom) for name in node.names
    }
    assert imported == set(engine_api.__all__)
