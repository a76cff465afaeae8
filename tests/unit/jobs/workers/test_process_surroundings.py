"""Worker processes in odd surroundings: folders, variables, standard streams, and main programs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.timeout(120), pytest.mark.slow]

PROGRAM = """
from qiskit import QuantumCircuit
import simquay
flipped = QuantumCircuit(1, 1)
flipped.x(0)
flipped.measure(0, 0)
{prepare}
backend = simquay.get_backend("basic")
counts = backend.run(flipped, shots=5).result(60).get_counts()
open({answer!r}, "w").write(f"{{backend.isolation}} {{counts}}")
"""
"""It has no guard: a worker that imported it would start workers itself."""

DELETED = """
import os, sys, tempfile
sys.path.insert(0, "")
os.chdir(tempfile.mkdtemp())
os.rmdir(os.getcwd())
"""
ODD_PATH = """
import pathlib, sys
sys.path[:0] = ["rel/ative", "/no/such/folder"]
sys.path.append(pathlib.Path("/"))
"""


def answer_of(shell: str, prepare: str, folder: Path, **environment: str) -> str:
    """What a program writes that runs a circuit in a worker, after it has done ``prepare``.

    Args:
        shell: runs ``$PYTHON`` and ``$PROGRAM``.
        prepare: done when Simquay is imported.
        folder: for the files.
        environment: all of it, if there is any.
    """
    program, answer = folder / "program.py", folder / "answer"
    program.write_text(PROGRAM.format(prepare=prepare, answer=str(answer)))
    done = subprocess.run(
        ["/bin/sh", "-c", shell],
        env={
            **(environment or os.environ),
            "PYTHON": sys.executable,
            "PROGRAM": str(program),
        },
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return answer.read_text()


RUN = '"$PYTHON" "$PROGRAM"'


@pytest.mark.parametrize(
    ("shell", "prepare"),
    [
        (RUN, DELETED),
        (RUN, ODD_PATH),
        ('"$PYTHON" - < "$PROGRAM"', ""),
        ('"$PYTHON" -c "$(cat "$PROGRAM")"', ""),
        (f"{RUN} <&-", ""),
        (f"{RUN} >&-", ""),
        (f"{RUN} 2>&-", ""),
        (f"{RUN} <&- >&- 2>&-", ""),
        (RUN, "import os\nfor number in (0, 1, 2): os.close(number)"),
    ],
    ids=[
        "deleted folder",
        "odd path",
        "program on stdin",
        "-c",
        "no stdin",
        "no stdout",
        "no stderr",
        "no streams",
        "streams closed later",
    ],
)
def test_a_run_in_a_worker_gives_its_counts(shell: str, prepare: str, tmp_path: Path) -> None:
    assert answer_of(shell, prepare, tmp_path) == "process {'1': 5}"


def test_a_run_needs_no_variable_of_the_environment(tmp_path: Path) -> None:
    found = answer_of(f"env -u PATH -u HOME {RUN}", "", tmp_path, TMPDIR="no/such")
    assert found == "process {'1': 5}"


def test_an_embedded_interpreter_runs_in_threads(tmp_path: Path) -> None:
    found = answer_of(RUN, "import sys\nsys.executable = None", tmp_path)
    assert found == "thread {'1': 5}"
