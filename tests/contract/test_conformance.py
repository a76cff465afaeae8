"""Simquay's own backends under the conformance kit, as a plugin author runs it."""

from __future__ import annotations

from typing import Any

import pytest

import simquay
from simquay.testing import CHECKS_IN_ORDER, BackendConformance, Check, CheckContext, run_check

# Slow checks: they wait for seconds, or start processes. `make test` runs them on `numpy` alone.
SLOW = {2, 10, *range(15, 21), *range(22, 26), *range(27, 44)}
QUICK = [one for one in CHECKS_IN_ORDER if not (one.is_point and int(one.id[1:]) in SLOW)]
OTHERS = ["reference", "basic"]


@pytest.mark.serial
class TestNumpy(BackendConformance):
    """All checks."""

    @pytest.fixture
    def backend(self) -> Any:
        return simquay.get_backend("numpy")


@pytest.mark.parametrize("check", QUICK, ids=lambda check: check.id)
@pytest.mark.parametrize("name", OTHERS)
def test_quick_checks(name: str, check: Check) -> None:
    run_check(check, CheckContext(simquay.get_backend(name)))


@pytest.mark.long
@pytest.mark.serial
class TestReference(BackendConformance):
    """All checks."""

    @pytest.fixture
    def backend(self) -> Any:
        return simquay.get_backend("reference")


@pytest.mark.long
@pytest.mark.serial
class TestBasic(BackendConformance):
    """All checks, on Qiskit's own simulator, adapted."""

    @pytest.fixture
    def backend(self) -> Any:
        return simquay.get_backend("basic")
