"""`make test-oldest` tests with the lowest versions that the project's metadata allow."""

from __future__ import annotations

import re
import sys
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.paths import ROOT
from tests.support.plugin_sources import core_extras

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILES = [ROOT / "pyproject.toml", *ROOT.glob("plugins/*/pyproject.toml")]
PROJECTS: list[dict[str, Any]] = [tomllib.loads(path.read_text()) for path in FILES]
OURS = {project["project"]["name"] for project in PROJECTS}


def oldest() -> dict[str, str]:
    """By name, the version or bound that the tests run with."""
    lines = (ROOT / "tests/oldest.txt").read_text().splitlines()
    requirements = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {str(canonicalize_name(one.name)): str(one.specifier) for one in requirements}


def floors(texts: list[str]) -> dict[str, str]:
    """By name, the lowest version that each requirement allows."""
    found: dict[str, str] = {}
    for requirement in map(Requirement, texts):
        if requirement.name not in OURS:
            (bound,) = [one for one in requirement.specifier if one.operator == ">="]
            found[canonicalize_name(requirement.name)] = bound.version
    return found


def padded(version: str) -> str:
    """``version`` with three parts."""
    return ".".join([*version.split("."), "0", "0"][:3])


def test_all_that_users_install_is_tested_at_its_lowest_version():
    pinned, extras = oldest(), core_extras()
    # What the plugins' extras install needs a GPU, or is for their tests alone.
    wanted = [one for project in PROJECTS for one in project["project"]["dependencies"]]
    for name, floor in floors([*wanted, *extras["cli"], *extras["dask"]]).items():
        assert pinned[name] == f"=={padded(floor)}"


def test_versions_of_tools_are_those_of_the_development_group():
    tools = floors(PROJECTS[0]["dependency-groups"]["dev"])
    for name, specifier in oldest().items():
        if name in tools:
            assert specifier == f"=={padded(tools[name])}"


def test_it_runs_on_the_oldest_python():
    makefile = (ROOT / "Makefile").read_text()
    python = re.search(r"^OLDEST_PYTHON := python(.*)$", makefile, re.MULTILINE)
    assert python is not None
    assert PROJECTS[0]["project"]["requires-python"] == f">={python.group(1)}"


def test_every_distribution_names_the_same_pythons_from_the_oldest_on():
    prefix = "Programming Language :: Python :: 3."
    for project in (one["project"] for one in PROJECTS):
        minors = [
            int(text.removeprefix(prefix))
            for text in project["classifiers"]
            if text.startswith(prefix)
        ]
        assert minors == [10, 11, 12, 13]
        assert project["requires-python"] == f">=3.{minors[0]}"
