"""Files with mistakes: each ends in a circuit or one clear error, in a second and within 1 GiB."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.fuzzed_files import mutated, sound_files
from tests.support.paths import ROOT

KINDS = ("qasm2", "qasm3", "qpy")


def broken(kind: str, first: int, count: int, folder: Path) -> list[str]:
    """The files of these seeds that do not end as they should, in a process with limits."""
    arguments = [kind, str(first), str(count), str(folder)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.fuzzed_files", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    lines = done.stdout.splitlines()
    ended = [] if lines[-1:] == ["done"] else [f"{kind} ended: {lines[-1:]} {done.stderr[-2000:]}"]
    return [line for line in lines if line.startswith("BROKEN")] + ended


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_hundred_files_of_each_format(tmp_path, kind):
    assert not broken(kind, 0, 100, tmp_path)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize("kind", KINDS)
def test_ten_thousand_files(tmp_path, kind, part):
    assert not broken(kind, 1000 + part * 834, 834, tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_is_the_same_file(kind):
    files = sound_files(kind)
    assert len(files) >= 4
    made = [mutated(files, seed) for seed in range(50)]
    assert made == [mutated(files, seed) for seed in range(50)]
    assert len(set(made)) > 45
