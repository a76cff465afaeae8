"""Aer under Simquay's conformance kit: all four backends through the checks that take no work of
seconds, and through all checks in the long tests."""

from __future__ import annotations

from typing import Any

import pytest
from qiskit.providers import JobError

import simquay
from simquay.testing import CHECKS_IN_ORDER, BackendConformance, Check, CheckContext, run_check
from simquay_aer.plugin import METHODS

# Those that take under a second. The others wait on purpose or start processes.
QUICK = {f"J{number:02}" for number in (1, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 21, 26)}
CHECKS = [check for check in CHECKS_IN_ORDER if check.id in QUICK or check.id[0] in "BRV"]

NOT_CLIFFORD = {
    "B03": "the stabilizer method runs Clifford gates alone, and transpiling makes no others",
    "V02": "rotations are no Clifford gates",
    "V03": "T is no Clifford gate",
    "V04": "controlled phases are no Clifford gates",
    "V05": "Toffoli is no Clifford gate",
    "V06": "random rotations are no Clifford gates",
    "V08": "what is teleported is rotated, which is no Clifford gate",
    "V09": "the gates that are undone are no Clifford gates",
}
"""What `aer-stabilizer` does not run."""


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
@pytest.mark.parametrize("name", METHODS)
def test_quick_checks(name: str, check: Check[CheckContext]) -> None:
    if name == "aer-stabilizer" and check.id in NOT_CLIFFORD:
        with pytest.raises(JobError, match="stabilizer"):
            run_check(check, CheckContext(simquay.get_backend(name)))
        return
    run_check(check, CheckContext(simquay.get_backend(name)))


@pytest.mark.long
@pytest.mark.serial
class TestStatevector(BackendConformance):
    """All checks."""

    @pytest.fixture
    def backend(self) -> Any:
        return simquay.get_backend("aer")


@pytest.mark.long
@pytest.mark.serial
class TestDensityMatrix(BackendConformance):
    """All checks."""

    @pytest.fixture
    def backend(self) -> Any:
        return simquay.get_backend("aer-density-matrix")


@pytest.mark.long
@pytest.mark.serial
class TestStabilizer(BackendConformance):
    """All checks."""

    expected_failures = NOT_CLIFFORD

    @pytest.fixture
    def backend(self) -> Any:
        return simquay.get_backend("aer-stabilizer")


@pytest.mark.long
@pytest.mark.serial
class TestMatrixProductState(BackendConformance):
    """All checks."""

    @pytest.fixture
    def backend(self) -> Any:
        return simquay.get_backend("aer-mps")
