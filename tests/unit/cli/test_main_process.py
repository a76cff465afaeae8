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
