"""Every example runs unchanged, and prints what its docstring says."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.support.paths import ROOT

EXAMPLES = ROOT / "examples"
SCRIPTS = sorted(path.name for path in EXAMPLES.glob("*.py"))

LOGGED = ("no gpu backend is available", "compiling kernels")


def output_of(*command: str) -> str:
    """The output of a command in a fresh interpreter, with warnings as errors. A machine without a
    GPU takes a CPU engine, as docs/how-to/test-without-a-gpu.md says."""
    done = subprocess.run(
        [sys.executable, "-W", "error", *command],
        capture_output=True,
        text=True,
        cwd=EXAMPLES,
        env={**os.environ, "SIMQUAY_FALLBACK": "cpu"},
    )
    told = [line for line in done.stderr.splitlines() if not line.startswith(LOGGED)]
    assert (done.returncode, told) == (0, [])
    return done.stdout


@pytest.mark.parametrize("script", SCRIPTS)
def test_it_runs(script: str) -> None:
    assert output_of(script)


def test_the_bell_pair_agrees() -> None:
    name, counts = output_of("bell.py").split(maxsplit=1)
    assert name
    assert set(eval(counts)) == {"00", "11"}


def test_a_program_for_a_gpu_counts_the_same_without_one() -> None:
    counts = eval(output_of("gpu_or_cpu.py"))
    assert set(counts) == {"0" * 20, "1" * 20}
    assert sum(counts.values()) == 1000


def test_what_alice_sends_bob_receives() -> None:
    text = output_of("teleportation.py")
    received = re.search(r"Bob read 1 in (\d+\.\d)%", text)
    assert received
    # 10,000 shots of probability 0.8: five standard deviations are 2%, and the seed is fixed.
    assert abs(float(received[1]) - 80.0) < 2.0


def test_a_page_links_to_every_example() -> None:
    root = EXAMPLES.parent
    pages = [root / "README.md", root / "Makefile", *(root / "docs").rglob("*.md")]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    examples = [path for path in EXAMPLES.iterdir() if path.suffix in (".py", ".qasm")]
    assert [path.name for path in examples if f"examples/{path.name}" not in text] == []
