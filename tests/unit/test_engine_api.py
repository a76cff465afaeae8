"""The engine API: its names and its version. That it needs no Qiskit is a test of the packaging."""

from __future__ import annotations

import ast
from pathlib import Path

from simquay import engine_api
from simquay.engines.base import check_plan


def test_it_only_exports_again() -> None:
    """The names are those of the modules below, and exported as type checkers know it."""
    tree = ast.parse(Path(engine_api.__file__).read_text())
    _, *imports = tree.body
    assert all(
        isinstance(node, ast.ImportFrom) and all(one.asname == one.name for one in node.names)
        for node in imports
    )
    assert engine_api.ENGINE_API == 1
    assert engine_api.check_plan is check_plan
