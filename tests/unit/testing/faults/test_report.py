"""The report, its text, and what a whole check raises."""

from __future__ import annotations

import inspect
import os
import re

import pytest

from simquay.testing import CheckFailed
from simquay.testing.faults import FAULT_CHECKS, KINDS, Fault, FaultReport, Trial, check_faults
from tests.support.pages import first_column, read, sections

PAGE = "docs/reference/testing.md"


def test_the_text_counts_promises_and_faults() -> None:
    good, bad = Trial(Fault("open", 1), tries=1, state="DONE"), Trial(Fault("open", 2), tries=1)
    unmet = Trial(Fault("open", 9), state="DONE")
    assert str(FaultReport((good, unmet))) == "10 of 10 promises under 1 faults"
    report = FaultReport((good, *[bad] * 5))
    assert str(report) == "9 of 10 promises under 6 faults"
    problem = "open 2: after its time the job is "
    assert report.verdicts[0].problem == "; ".join([problem] * 3 + ["2 more"])


def test_an_unknown_kind() -> None:
    with pytest.raises(ValueError, match=r"unknown kinds \['disk'\]: expected some of thread, "):
        check_faults("reference", kinds=["disk", "open"])


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot fork here")
def test_a_backend_that_keeps_its_promises() -> None:
    report = check_faults("reference", kinds=["thread", "process"], most=2, width=4)
    assert str(report) == "10 of 10 promises under 2 faults"
    assert [trial.state for trial in report.trials] == ["ERROR", "ERROR"]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot fork here")
def test_a_backend_that_breaks_one() -> None:
    with pytest.raises(CheckFailed) as raised:
        check_faults(factory="tests.support.broken.faults:F02", kinds=["open"], most=1, width=2)
    first, *rest = str(raised.value).splitlines()
    assert first == "tests.support.broken.faults:F02 keeps 9 of 10 promises under 2 faults"
    assert len(rest) == 1
    assert re.match(r"F02 A job that failed says why.*: open 1: no reason is given", rest[0])


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot fork here")
def test_a_backend_that_never_runs() -> None:
    with pytest.raises(CheckFailed, match=r"wrong in the forked process: .*nosuch"):
        check_faults("nosuch", kinds=["open"])


def test_the_reference_has_arguments_kinds_and_checks() -> None:
    page = sections(PAGE)["Faults"]

    def told(header: str) -> list[str]:
        return [cell.strip("`") for cell in first_column(page, header)]

    assert told("argument") == [*inspect.signature(check_faults).parameters]
    assert told("kind") == [*KINDS]
    for check in FAULT_CHECKS:
        assert f"| {check.id} | {check.title} |" in read(PAGE)
