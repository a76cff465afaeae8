"""Each promise is broken by what it is about, and by nothing else."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from simquay.testing.faults import FAULT_CHECKS, Fault, FaultReport, Trial

GOOD = Trial(Fault("open", 1), count=3, tries=1, state="DONE")

BROKEN: dict[str, dict[str, Any]] = {
    "F01": {"state": "QUEUED"},
    "F02": {"state": "ERROR", "reason": " "},
    "F03": {"wrong": "outcome '01'"},
    "F04": {"next_problem": "ERROR it has no thread"},
    "F05": {"left": {"threads": {"helper": 1}}},
    "F06": {"left": {"descriptors": {"pipe:[N]": 2}}},
    "F07": {"left": {"processes": {"python": 1}}},
    "F08": {"left": {"memory": {"cpu": 64}}},
    "F09": {"left": {"files": {"tmpN": 1}}},
    "F10": {"state": "not returned by run()", "tries": 10_000},
}


def broken(**fields) -> list[str]:
    report = FaultReport((GOOD, dataclasses.replace(GOOD, **fields)))
    return [verdict.check.id for verdict in report.verdicts if not verdict.kept]


@pytest.mark.parametrize("identity", BROKEN)
def test_a_promise_is_broken_alone(identity: str) -> None:
    assert broken(**BROKEN[identity]) == [identity]


def test_every_check_is_tried() -> None:
    assert [*BROKEN] == [check.id for check in FAULT_CHECKS]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"state": "ERROR", "reason": "OSError: no file"},
        {"state": "raised", "reason": "MemoryError"},
        {"tries": 10_000},  # a job that ends may have tried often
    ],
)
def test_what_is_right(fields) -> None:
    assert broken(**fields) == []


def test_a_job_that_nobody_cancelled() -> None:
    assert broken(state="CANCELLED") == ["F02"]


def test_what_stays_is_told() -> None:
    trial = dataclasses.replace(GOOD, left={"threads": {"helper": 1, "b": 2}})
    problems = [verdict.problem for verdict in FaultReport((trial,)).verdicts]
    assert problems[4] == "open 1: threads stay after the next job: 2 'b', 1 'helper'"
