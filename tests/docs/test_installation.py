"""The commands that install something work in a checkout, and take nothing of ours from an index,
where our names may be anybody's."""

from __future__ import annotations

import re
import shlex

import pytest
from packaging.requirements import Requirement

from tests.support.pages import read
from tests.support.paths import ROOT
from tests.support.plugin_sources import core_extras

FOLDERS = ("docs", "src", "plugins", "templates", "examples", "benchmarks")
TEXTS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (*ROOT.glob("*.md"), *(one for name in FOLDERS for one in (ROOT / name).rglob("*")))
    if path.suffix in (".md", ".py", ".jinja", ".yml") and "/tests/" not in path.as_posix()
)

EXAMPLES = {"my-package", "my-simulator", "fastlib", "{{ distribution }}"}
"""Made-up distributions, whose authors publish them."""

FOREIGN = {
    "bump-my-version",
    "copier",
    "cupy-cuda13x",
    "numba",
    "pre-commit",
    "pytest",
    "qiskit",
    "qiskit-aer",
    "qiskit-ibm-runtime",
    "qiskit-qasm3-import",
    "quimb",
    "stim",
}
"""Distributions of others that users are told to install by name."""


ARGUMENT = r"""(?:\ (?!in\ )(?:"[^"\n]+" | '[^'\n]+' | \{\{.*?\}\} | [\w.-][\w./\[\]-]*))"""
"""A path, name or option, quoted or not; a text goes on with "in a checkout"."""


def commands() -> dict[str, list[str]]:
    """What each ``pip install`` is given, by its file and the command."""
    return {
        f"{name}: {command[0]}": shlex.split(re.sub(r"(?<=\{) | (?=\})", "", command[1]))
        for name in TEXTS
        for command in re.finditer(rf"\bpip\ install({ARGUMENT}+)", read(name), re.VERBOSE)
    }


COMMANDS = commands()


def test_commands_are_found() -> None:
    text = "\n".join(COMMANDS)
    for one in ('".[cli]"', '".[numba]"', '".[cuda12]"', "./plugins/simquay-cupy", "'qiskit>=2.0'"):
        assert one in text
    assert len(COMMANDS) > 20


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_takes_nothing_of_ours_from_an_index(command: str) -> None:
    for argument in COMMANDS[command]:
        path, _, extras = argument.partition("[")
        if path == ".":
            wanted = {one.strip() for one in extras.rstrip("]").split(",")} - {""}
            assert wanted <= {*core_extras(), "{extra}", "test"}  # put in by a function; a plugin's
        elif path.startswith("./") and path != "./.simquay":  # a checkout that a workflow makes
            assert (ROOT / path / "pyproject.toml").is_file()
        elif not path.startswith(("-", "./", "../", "PATH/TO", "{{_copier_conf.dst_path")):
            name = argument if "{{" in argument else Requirement(argument).name
            assert name.replace("{{", "{{ ").replace("}}", " }}") in EXAMPLES | FOREIGN


def test_of_cuda_there_is_one_source() -> None:
    """In the plugin, one function writes the command; others call it."""
    texts = [path.read_text("utf-8") for path in (ROOT / "plugins/simquay-cupy/src").rglob("*.py")]
    assert sum(text.count('pip install ".') for text in texts) == 1
