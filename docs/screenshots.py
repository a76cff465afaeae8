"""The pictures of the command line in docs/reference/cli.md; `make figures` draws them.

    python docs/screenshots.py

Each command runs in a terminal of 80 columns, in this environment. What depends on the machine is
in the pictures as this machine has it.
"""

from __future__ import annotations

import os
import pty
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from qiskit import qasm2
from qiskit.synthesis import synth_qft_full
from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
FIGURES = ROOT / "docs" / "figures"
WIDTH = 80

COMMANDS = {
    "run": "run examples/ghz.qasm --backend numpy --shots 2000 --seed 7",
    "estimate": "estimate examples/ansatz.qasm --observable ZZ:1.0,XI:0.5 --bind theta=0:pi:5",
    "plan": "plan qft20.qasm --backend numba",
    "jobs": "jobs",
    "job": "job {done}",
    "result": "result {done}",
    "resume": "resume {lost}",
    "backends": "backends",
    "check": "check numpy --only J01",
    "doctor": "doctor",
}
"""By the name of a command: an example of it. ``done`` and ``lost`` are kept jobs."""

RUN = """
import os, signal, sys
import simquay
from qiskit import qasm3
circuit = qasm3.load("examples/ghz.qasm")
backend = simquay.get_backend("numpy")
job = backend.run(circuit, shots=2000, seed_simulator=7, keep=True, tags=[sys.argv[1]])
print(job.job_id(), flush=True)
if sys.argv[1] == "lost":
    os.kill(os.getpid(), signal.SIGKILL)
job.result()
"""
"""Keeps a job; the process of a lost one is killed at once."""


def shown(command: str, environment: dict[str, str]) -> str:
    """All that a command writes to a terminal, with its colours."""
    ours, theirs = pty.openpty()
    done = subprocess.Popen(
        [sys.executable, "-m", "simquay", *shlex.split(command)],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        cwd=environment["HOME"],
        env=environment,
    )
    os.close(theirs)
    parts = []
    while True:
        try:
            part = os.read(ours, 1 << 16)
        except OSError:  # the command has closed the terminal
            break
        if not part:
            break
        parts.append(part)
    os.close(ours)
    if done.wait() != 0:
        sys.exit(f"simquay {command} failed:\n{b''.join(parts).decode()}")
    text = b"".join(parts).decode().replace("\r\n", "\n")
    # A progress bar hides the cursor until it is gone.
    text = re.sub(r"\x1b\[\?25l.*?\x1b\[\?25h(\x1b\[1A\x1b\[2K)?", "", text, flags=re.DOTALL)
    return text.replace(environment["HOME"], "~")


def picture(name: str, command: str, environment: dict[str, str]) -> None:
    """Draw a command and what it shows."""
    with open(os.devnull, "w") as nothing:
        console = Console(width=WIDTH, record=True, file=nothing, force_terminal=True)
        console.print(Text(f"$ simquay {command}", style="bold"))
        console.print(Text.from_ansi(shown(command, environment)))
        drawn = console.export_svg(title="simquay", unique_id=f"simquay-{name}")
    # Readers have a monospace font; none is fetched from another site.
    drawn = re.sub(r"@font-face \{.*?\}", "", drawn, flags=re.DOTALL)
    drawn = drawn.replace("Fira Code", "monospace")
    (FIGURES / f"cli-{name}.svg").write_text(drawn, encoding="utf-8")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "COLUMNS": str(WIDTH),
            "TERM": "xterm-256color",
            "HOME": folder,
            "SIMQUAY_JOB_STORE": f"{folder}/jobs",
            "NUMBA_CACHE_DIR": f"{folder}/kernels",
        }
        shutil.copytree(ROOT / "examples", Path(folder, "examples"))
        jobs = {}
        for name in ("done", "lost"):
            ran = [sys.executable, "-c", RUN, name]
            done = subprocess.run(
                ran, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
            )
            jobs[name] = done.stdout.strip()[:8]
        circuit = synth_qft_full(20)
        Path(folder, "qft20.qasm").write_text(qasm2.dumps(circuit), encoding="utf-8")
        for name, command in COMMANDS.items():
            chosen = dict(environment)
            if name in ("run", "estimate"):  # which are not kept unless they are told to be
                del chosen["SIMQUAY_JOB_STORE"]
            picture(name, command.format(**jobs), chosen)


if __name__ == "__main__":
    main()
