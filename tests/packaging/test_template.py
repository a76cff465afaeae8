"""The template for plugins: generated, installed, found by name, and put through its own tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT

pytestmark = [
    pytest.mark.timeout(600),  # the whole kit, on a simulator that runs shot by shot
    pytest.mark.xdist_group("template"),  # generated and installed once
]

TEMPLATES = ROOT / "templates"


class Plugin:
    """A generated plugin, installed in a folder of its own."""

    def __init__(self, source: Path, site: Path) -> None:
        self.source = source
        self._environment = {**os.environ, "PYTHONPATH": str(site)}

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python, which finds the plugin, in the plugin's folder."""
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.source,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=500,
            check=False,
        )

    def pytest(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the tests that the plugin comes with."""
        return self.python("-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments)


def generate(target: Path, template: str = "plugin", **answers: str) -> None:
    command = [sys.executable, "-m", "copier", "copy", "--quiet", "--defaults"]
    for question, answer in answers.items():
        command += ["--data", f"{question}={answer}"]
    subprocess.run([*command, str(TEMPLATES / template), str(target)], check=True, timeout=120)


def install(folder: Path, name: str, template: str, **answers: str) -> Plugin:
    """Generate a plugin and install it below ``folder``."""
    source, site = folder / name, folder / "site"
    generate(source, template, **answers)
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(site)]
    subprocess.run([*command, str(source)], check=True, timeout=120)
    return Plugin(source, site)


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Plugin:
    folder = tmp_path_factory.mktemp("plugin")
    answers = {"backend_name": "harbour.sim", "author": "A. Mason"}
    return install(folder, "simquay-harbour", "plugin", **answers)


@pytest.fixture(scope="module")
def engine_plugin(tmp_path_factory: pytest.TempPathFactory) -> Plugin:
    folder = tmp_path_factory.mktemp("engine")
    return install(folder, "simquay-crane", "engine", backend_name="crane-2")


def test_the_generated_files(plugin: Plugin) -> None:
    files = {
        path.relative_to(plugin.source).as_posix()
        for path in plugin.source.rglob("*")
        if path.is_file() and "build" not in path.parts and ".egg-info" not in str(path)
    }
    package = "src/simquay_harbour_sim"
    assert files == {
        ".github/workflows/test.yml",
        ".gitignore",
        "LICENSE",
        "README.md",
        "pyproject.toml",
        "tests/test_conformance.py",
        *(f"{package}/{name}.py" for name in ("__init__", "factory", "plugin", "simulator")),
        f"{package}/py.typed",
    }
    made = [name for name in files if not name.startswith(".github")]  # which GitHub fills in
    text = "".join((plugin.source / name).read_text("utf-8") for name in made)
    assert "{{" not in text
    assert "A. Mason" in text


@pytest.mark.parametrize("command", [("check",), ("format", "--check")], ids=" ".join)
def test_the_generated_code_is_clean(plugin: Plugin, command: tuple[str, ...]) -> None:
    done = plugin.python("-m", "ruff", *command, "--line-length", "100", "src", "tests")
    assert done.returncode == 0, done.stdout


def test_a_bad_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        generate(tmp_path / "bad", backend_name="Gpu!")


def test_the_backend_is_found_by_its_name(plugin: Plugin) -> None:
    done = plugin.python(
        "-c",
        "import simquay\n"
        "from qiskit import QuantumCircuit\n"
        "circuit = QuantumCircuit(2)\n"
        "circuit.h(0); circuit.cx(0, 1); circuit.measure_all()\n"
        "job = simquay.get_backend('harbour.sim').run(circuit, shots=100)\n"
        "print(sorted(job.result().get_counts()))",
    )
    assert done.stdout.strip() == "['00', '11']", done.stderr


def test_the_quick_part_of_its_own_tests(plugin: Plugin) -> None:
    done = plugin.pytest("-k", "j01 or j12 or j19 or r0 or v0")
    assert done.returncode == 0, done.stdout[-3000:]
    assert "20 passed" in done.stdout


@pytest.mark.long
def test_all_of_its_own_tests(plugin: Plugin) -> None:
    done = plugin.pytest()
    assert done.returncode == 0, done.stdout[-3000:]
    assert "68 passed" in done.stdout


def test_an_engine_plugin_passes_the_kit_for_engines(engine_plugin: Plugin) -> None:
    done = engine_plugin.pytest()
    assert done.returncode == 0, done.stdout[-3000:]
    assert "24 passed" in done.stdout
    clean = engine_plugin.python("-m", "ruff", "check", "--line-length", "100", "src", "tests")
    assert clean.returncode == 0, clean.stdout
    done = engine_plugin.python("-m", "ruff", "format", "--check", "--line-length", "100")
    assert done.returncode == 0, done.stdout
