"""Jobs of all kinds for a while: right counts, and nothing grows. ``--soak SECONDS`` says how long;
benchmarks/reports has the figures of a long run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.jobs.soak import Soak
from tests.support.paths import ROOT

LONG = 600.0
"""Seconds from which on a slope of the memory means something."""

MOST_GROWTH = 64.0
"""MiB an hour."""


@pytest.mark.long
@pytest.mark.serial
@pytest.mark.timeout(4000)
def test_jobs_of_all_kinds_leave_nothing(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = request.config.getoption("--soak")
    report = tmp_path / "soak.json"
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    monkeypatch.chdir(ROOT)
    command = [sys.executable, "-m", "benchmarks.jobs.soak", "--seconds", str(seconds)]
    done = subprocess.run(
        [*command, "--json", str(report)],
        capture_output=True,
        text=True,
        timeout=2 * seconds + 600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    sys.stdout.write(done.stdout)
    seen = Soak(**json.loads(report.read_text("utf-8")))
    assert seen.problems == []
    assert sum(seen.ends.values()) > 0
    assert seen.reserved == 0
    before, after = seen.idle
    # Threads and descriptors: two workers more may be idle.
    assert after[3] <= before[3] + 4
    assert after[4] <= before[4] + 8
    slope, error = seen.slope(1)
    assert seconds < LONG or slope - 3 * error < MOST_GROWTH
