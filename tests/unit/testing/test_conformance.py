"""The test class: what a subclass may and may not say, and what pytest makes of it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from simquay.testing import CHECKS_IN_ORDER, BackendConformance

J18 = "test_j18_running_stops"


def test_every_point_has_one_test_named_by_its_number() -> None:
    names = [name for name in dir(BackendConformance) if name.startswith("test_")]
    points = sorted(int(match[1]) for name in names if (match := re.match(r"test_j(\d\d)_", name)))
    assert points == list(range(1, 44))
    assert len(names) == len(CHECKS_IN_ORDER)
    assert all(getattr(BackendConformance, name).__doc__ for name in names)


def test_a_check_cannot_be_overridden() -> None:
    with pytest.raises(TypeError, match=r"overrides or deletes test_j18.*expected_failures"):
        type("TestIt", (BackendConformance,), {J18: lambda *_: None})


def test_a_check_cannot_be_set_to_none() -> None:
    with pytest.raises(TypeError, match="test_j18"):
        type("TestIt", (BackendConformance,), {J18: None})


def test_a_check_cannot_be_overridden_by_another_base() -> None:
    class Quiet:
        test_j18_running_stops = None

    with pytest.raises(TypeError, match="test_j18"):
        type("TestIt", (Quiet, BackendConformance), {})


def test_a_check_cannot_be_deleted_or_replaced_later() -> None:
    class It(BackendConformance):
        pass

    for owner in (It, BackendConformance):
        with pytest.raises(TypeError, match="test_j18"):
            delattr(owner, J18)
        with pytest.raises(TypeError, match="test_j18"):
            setattr(owner, J18, None)
    with pytest.raises(TypeError, match="in the class body"):
        It.expected_failures = {"J18": "too late"}


def test_the_whole_class_cannot_be_expected_to_fail() -> None:
    class It(BackendConformance):
        pass

    with pytest.raises(TypeError, match="xfail would hide every check"):
        pytest.mark.xfail(It)


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({"J44": "no such point"}, "'J44'"),
        ({"J18": ""}, "needs a reason"),
        ({"J18": None}, "needs a reason"),
        (["J18"], "expected a dict"),
    ],
)
def test_a_declaration_must_name_a_check_and_a_reason(declared: Any, said: str) -> None:
    with pytest.raises(TypeError, match=said):
        type("TestIt", (BackendConformance,), {"expected_failures": declared})


_SUITE = """
import pytest
from simquay.simulators.engine.backend import EngineBackend
from simquay.engines.reference import ReferenceEngine
from simquay.jobs.job import Job
from simquay.testing import BackendConformance


class Nameless(EngineBackend):
    def run(self, *arguments, **options):
        job = super().run(*arguments, **options)
        job.version = 2
        return job


class TestOne(BackendConformance):
    expected_failures = {"J01": "of another version", "J05": "has no ids, it says"}

    @pytest.fixture
    def backend(self):
        return Nameless(ReferenceEngine(), name="nameless")


class TestTwo(TestOne):
    expected_failures = {}
"""


@pytest.mark.slow  # runs pytest in a child process
def test_a_declared_failure_of_a_class_must_fail_and_those_of_no_other(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(_SUITE)
    chosen = ["-k", "j01 or j04 or j05", "test_it.py"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rxXfs", "-p", "no:cacheprovider", *chosen],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert "2 failed, 3 passed, 130 deselected, 1 xfailed" in done.stdout, done.stdout
    assert re.search(r"XFAIL .*TestOne::test_j01\S+ - of another version", done.stdout)
    assert re.search(r"FAILED .*TestTwo::test_j01", done.stdout)
    assert "[XPASS(strict)] has no ids, it says" in done.stdout
