"""The plugins of this repository, read from their sources, whether or not they are installed."""

from __future__ import annotations

import re
import runpy
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from simquay.plugin import BackendSpec
from tests.support.paths import ROOT

__all__ = ["core_extras", "extras_of", "specs_by_distribution"]


def specs_by_distribution() -> dict[str, list[BackendSpec]]:
    """What each distribution under ``plugins`` registers, its first choice first."""
    found = {}
    for project in sorted(ROOT.glob("plugins/*/pyproject.toml")):
        text = project.read_text("utf-8")
        distribution = _only(r'^name = "(.+)"$', text)
        module = _only(r'^\[project\.entry-points\.simquay\]\n\w+ = "(.+)"$', text)
        specs = _specs(project.parent / "src" / (module.replace(".", "/") + ".py"))
        found[distribution] = sorted(specs, key=lambda spec: -spec.priority)
    return found


def core_extras() -> dict[str, list[str]]:
    """The requirements of each extra of the core distribution, in this checkout."""
    extras: dict[str, list[str]] = runpy.run_path(str(ROOT / "setup.py"))["EXTRAS"]
    return extras


def extras_of(distribution: str) -> set[str]:
    """The extras that the plugin's ``pyproject.toml`` declares."""
    text = (ROOT / "plugins" / distribution / "pyproject.toml").read_text("utf-8")
    table = re.search(r"^\[project\.optional-dependencies\]\n(.*?)^\[", text, re.M | re.S)
    return set(re.findall(r"^(\w+) = ", table[1], re.M)) if table else set()


def _only(pattern: str, text: str) -> str:
    (found,) = re.findall(pattern, text, re.M)
    return str(found)


def _specs(path: Path) -> list[BackendSpec]:
    described = spec_from_file_location(f"source_of_{path.parent.name}", path)
    assert described is not None
    assert described.loader is not None
    module = module_from_spec(described)
    described.loader.exec_module(module)
    return list(module.simquay_register_backends())
