"""The host's device, of the tests, has the methods of the CUDA device."""

from __future__ import annotations

import ast
import inspect
from importlib.resources import files
from pathlib import Path

from host_device import HostDevice


def methods(text: str, name: str) -> dict[str, list[str]]:
    """The public methods of a class: the names of their parameters."""
    body = ast.parse(text).body
    (found,) = (node for node in body if isinstance(node, ast.ClassDef) and node.name == name)
    return {
        node.name: [argument.arg for argument in node.args.args]
        for node in found.body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    }


def test_the_methods_are_the_same() -> None:
    """Read, not imported: the CUDA device needs CuPy."""
    cuda = (files("simquay_cupy") / "device/cuda.py").read_text(encoding="utf-8")
    host = Path(inspect.getfile(HostDevice)).read_text(encoding="utf-8")
    assert methods(host, "HostDevice") == methods(cuda, "CudaDevice")
