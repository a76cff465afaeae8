"""The conformance kit: the job contract, and what Qiskit's users expect."""

from __future__ import annotations

from typing import Any

import pytest

import simquay
from simquay.testing import BackendConformance


@pytest.mark.serial
class TestNumba(BackendConformance):
    """All checks."""

    @pytest.fixture
    def backend(self) -> Any:
        return simquay.get_backend("numba")
