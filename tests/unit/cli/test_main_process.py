"""The command as a process of its own: readers that stop, and terminals that lack characters."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from qiskit import QuantumCircuit, qpy

SIMQUAY = (sys.executable, "-m", "simquay")


@pytest.mark.skipif(sys.platform == "win32", reason="broken pipes are POSIX's")
@pytest.mark.parametrize("arguments", [("doctor",), ("backends", "--json")])
def test_a_reader_who_stops_reading_ends_the_command_quietly(arguments: tuple[str, ...]) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([*SIMQUAY, *arguments], stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.slow
def test_a_name_that_the_terminal_cannot_show_does_no_harm(tmp_path: Path) -> None:
    circuit = QuantumCircuit(1, 1, name="état ψ")
    circuit.measure(0, 0)
    path = tmp_path / "named.qpy"
    with path.open("wb") as file:
        qpy.dump(circuit, file)
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}

    def output(*options: str) -> str:
        command = [*SIMQUAY, "run", str(path), *options]
        done = subprocess.run(command, capture_output=True, env=environment, check=True)
        return done.stdout.decode("ascii")

    assert output().startswith("?tat ?: 1 qubit")
    assert json.loads(output("--json"))["circuits"][0]["name"] == "état ψ"


def test_the_current_folder_is_not_searched_for_plugins_and_modules(tmp_path):
    folder = tmp_path / "planted-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: planted\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text("[simquay]\nplanted = planted\n")
    for name in ("planted", "click", "rich"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('code of the folder ran')\n")
    command = [*SIMQUAY, "backends", "--all", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=True)
    assert "planted" not in done.stdout + done.stderr
    # The path that the user gives is the user's: a plugin under work may be there.
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    (tmp_path / "click.py").unlink()
    (tmp_path / "rich.py").unlink()
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert "planted" in done.stdout + done.stderr
