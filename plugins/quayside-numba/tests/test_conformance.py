"""The conformance kit: the job contract, and what Qiskit's users expect."""

from __future__ import annotations

from typing import Any

import pytest

import quayside
from quayside.testing import BackendConformance


class TestNumba(BackendConformance):
    """All checks."""

    @pytest.fixture
    def backend(self) -> Any:
        return quayside.get_backend("numba")
