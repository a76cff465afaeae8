"""What is shipped: the wheel's files, its metadata and its entry points."""

from __future__ import annotations

import configparser
import email
import email.message
import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.support.paths import ROOT
from tests.support.plugin_sources import core_extras, extras_of

pytestmark = pytest.mark.xdist_group("wheel")  # built once


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built by the setuptools of this environment: nothing is downloaded."""
    # A copy, since setuptools leaves build/ and *.egg-info in the tree that it builds from.
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "src", source / "src", ignore=ignored)
    target = tmp_path_factory.mktemp("wheel")
    options = ["--quiet", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        *options,
        "--wheel-dir",
        str(target),
        str(source),
    ]
    subprocess.run(command, check=True)
    (path,) = target.glob("simquay-*.whl")
    return zipfile.ZipFile(path)


@pytest.fixture(scope="module")
def metadata(wheel: zipfile.ZipFile) -> email.message.Message:
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    return email.message_from_bytes(wheel.read(name))


def required_name(requirement: str) -> str:
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert match, requirement
    return match.group().lower()


def test_every_module_is_shipped(wheel: zipfile.ZipFile) -> None:
    shipped = {name for name in wheel.namelist() if name.endswith(".py")}
    written = {path.relative_to(ROOT / "src").as_posix() for path in (ROOT / "src").rglob("*.py")}
    assert shipped == written


def test_the_type_marker_and_the_licence_are_shipped(wheel: zipfile.ZipFile) -> None:
    names = wheel.namelist()
    assert "simquay/py.typed" in names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_no_tests_or_tools_are_shipped(wheel: zipfile.ZipFile) -> None:
    outside = [
        name
        for name in wheel.namelist()
        if not name.startswith("simquay/") and ".dist-info/" not in name
    ]
    assert outside == []


def test_the_core_needs_few_packages(
    metadata: email.message.Message,
) -> None:
    requirements = metadata.get_all("Requires-Dist", [])
    core = {required_name(text) for text in requirements if "extra ==" not in text}
    assert core == {"qiskit", "numpy", "pluggy", "psutil", "cloudpickle", "platformdirs"}


def test_engine_libraries_come_with_plugins_alone(metadata: email.message.Message) -> None:
    named = {required_name(text) for text in metadata.get_all("Requires-Dist", [])}
    engines = {name for name in named if re.search(r"cupy|numba|aer|cuda", name)}
    assert engines == {path.parent.name for path in ROOT.glob("plugins/*/pyproject.toml")}


EXTRAS = {
    "numba": {"simquay-numba"},
    "aer": {"simquay-aer"},
    "cuda12": {"simquay-cupy"},
    "cuda13": {"simquay-cupy"},
    "all": {"simquay-numba", "simquay-aer"},
}


def test_each_plugin_extra_takes_the_folder_of_the_checkout() -> None:
    extras = core_extras()
    assert set(extras) == {*EXTRAS, "cli", "dask", "testing"}
    for extra in EXTRAS.keys() - {"all"}:
        (requirement,) = map(Requirement, extras[extra])
        assert {requirement.name} == EXTRAS[extra]
        assert requirement.url == (ROOT / "plugins" / requirement.name).as_uri()
        assert requirement.extras == ({extra} & extras_of(requirement.name))
        assert bool(requirement.extras) is extra.startswith("cuda")
    (everything,) = map(Requirement, extras["all"])
    assert everything.name == "simquay"
    assert everything.extras == {*extras} - {"all", "cuda12", "cuda13", "testing"}


@pytest.mark.slow
@pytest.mark.parametrize("extra", ["numba", "aer", "all"])
def test_an_extra_installs_the_plugins_of_the_checkout(extra: str, tmp_path: Path) -> None:
    """As pip resolves it, with no index to take anything from: all else is installed here."""
    source = tmp_path / "a checkout"
    ignored = shutil.ignore_patterns(".*", "build", "__pycache__", "*.egg-info", "tests", "docs")
    shutil.copytree(ROOT, source, ignore=ignored)
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--no-index", "--quiet"]
    command += ["--no-build-isolation", "--report", "-", f"{source}[{extra}]"]
    report = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    found = {one["metadata"]["name"]: one["download_info"]["url"] for one in report["install"]}
    folders = {name: (source / "plugins" / name).as_uri() for name in EXTRAS[extra]}
    assert found == {"simquay": source.as_uri(), **folders}


def test_the_cli_extra_brings_click_rich_matplotlib_and_openqasm_3(
    metadata: email.message.Message,
) -> None:
    assert "cli" in metadata.get_all("Provides-Extra", [])
    extra = {
        required_name(text)
        for text in metadata.get_all("Requires-Dist", [])
        if re.search(r"""extra == ["']cli["']""", text)
    }
    assert extra == {"click", "rich", "matplotlib", "qiskit-qasm3-import"}


def test_the_metadata_says_what_a_user_looks_for(metadata: email.message.Message) -> None:
    assert metadata["Name"] == "simquay"
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.10"
    assert metadata["Description-Content-Type"] == "text/markdown"


def test_the_entry_points_are_the_command_and_the_own_backends(wheel: zipfile.ZipFile) -> None:
    (name,) = (name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    parser = configparser.ConfigParser()
    parser.read_string(wheel.read(name).decode())
    assert dict(parser["console_scripts"]) == {"simquay": "simquay.cli.main:main"}
    assert dict(parser["simquay"]) == {"simquay": "simquay.simulators.builtin"}


def test_the_newest_release_in_the_changelog_is_this_version(
    metadata: email.message.Message,
) -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## \[(.+?)\]", changelog, re.MULTILINE)
    assert headings
    if headings[0] == "Unreleased":  # changes since the newest release, or before the first
        headings.pop(0)
    assert headings[:1] in ([], [metadata["Version"]])
    assert "Unreleased" not in headings


def test_links_of_the_description_lead_out_of_the_index(metadata: email.message.Message) -> None:
    text = str(metadata.get_payload())
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert len(links) > 20
    assert [link for link in links if not link.startswith(("https://", "#"))] == []


def test_all_distributions_have_one_version_and_one_licence() -> None:
    files = [ROOT / "pyproject.toml", *ROOT.glob("plugins/*/pyproject.toml")]
    versions = {
        match[1]
        for path in files
        for match in re.finditer(r'^(?:current_)?version = "(.*)"', path.read_text(), re.MULTILINE)
    }
    (version,) = versions
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text()
    licence = (ROOT / "LICENSE").read_bytes()
    assert [path for path in files if (path.parent / "LICENSE").read_bytes() != licence] == []
