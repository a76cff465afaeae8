"""Both devices have what the protocol asks for."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest
from host_device import HostDevice

import simquay_cupy.device.protocol
from simquay_cupy.device.protocol import Device


def members(tree: ast.Module, name: str) -> dict[str, list[str]]:
    """The public methods of a class: the names of their parameters."""
    (found,) = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
    return {
        node.name: [argument.arg for argument in node.args.args]
        for node in found.body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    }


FOLDER = Path(simquay_cupy.device.protocol.__file__).parent
PROTOCOL = members(ast.parse((FOLDER / "protocol.py").read_text("utf-8")), Device.__name__)


@pytest.mark.parametrize(
    ("file", "name"),
    [(FOLDER / "cuda.py", "CudaDevice"), (Path(inspect.getfile(HostDevice)), "HostDevice")],
    ids=["cuda", "host"],
)
def test_a_device_has_the_protocol_s_methods(file: Path, name: str) -> None:
    """Read, not imported: the CUDA device needs CuPy."""
    found = members(ast.parse(file.read_text(encoding="utf-8")), name)
    assert {method: found.get(method) for method in PROTOCOL} == PROTOCOL
    assert set(found) == set(PROTOCOL)
