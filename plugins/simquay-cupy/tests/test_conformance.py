"""The conformance kit on a real GPU: the job contract, and what Qiskit's users expect."""

from __future__ import annotations

import pytest

from simquay.plugin import Unavailable
from simquay_cupy.probe import probe

pytest.importorskip("qiskit", reason="backends are Qiskit's; engines run without it")

from simquay import Provider  # what follows needs Qiskit
from simquay.testing import BackendConformance  # as above


@pytest.mark.gpu
class TestCupy(BackendConformance):
    @pytest.fixture
    def backend(self) -> object:
        found = probe()
        if isinstance(found, Unavailable):
            pytest.skip(found.reason)
        return Provider().get_backend("cupy")
