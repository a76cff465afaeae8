"""A thread that cannot be started: the job that needs it ends, and all later ones run.

Each start of a run fails in turn, alone or with all that follow, in a process of its own.
"""

from __future__ import annotations

import re

import pytest

from tests.support.processes import python

pytestmark = [pytest.mark.timeout(1200), pytest.mark.slow]

MOST_STARTS = 8
"""More than any of the runs has."""


@pytest.mark.parametrize("lasting", [False, True])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("numpy", ""),
        ("numba", ""),
        ("basic", ""),
        ("basic", "isolation='thread'"),
        ("aer", ""),
        ("aer", "isolation='thread'"),
        ("numpy", "executor=ThreadPoolExecutor(1)"),
    ],
)
def test_each_start_of_a_run_fails_once(name: str, options: str, lasting: bool) -> None:
    for number in range(1, MOST_STARTS):
        done = python(
            "-c",
            "from concurrent.futures import ThreadPoolExecutor\n"
            "from tests.support.failing_starts import run_with_failing_start\n"
            f"run_with_failing_start({name!r}, {number}, {lasting}, {options})",
            timeout=600,  # kernels may be compiled, on a machine that is busy
        )
        assert done.returncode == 0, done.stderr
        first, later, left = done.stdout.splitlines()
        status, _, starts = first.partition(" starts: ")
        assert status == "DONE" or re.match("ERROR .*(thread|memory|debugger)", status), first
        assert later == "DONE DONE DONE DONE"
        assert left == "0 0 0"
        if int(starts) < number:
            break
    assert int(starts) < number  # each start has failed
    assert number > 1
