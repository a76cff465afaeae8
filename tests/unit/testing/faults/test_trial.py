"""A trial in a fork of this process."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from simquay.engines.reference import ReferenceEngine
from simquay.jobs.dispatch.threads import WorkerPool
from simquay.simulators.engine.backend import EngineBackend
from simquay.testing import CheckFailed
from simquay.testing.faults.injection import Fault
from simquay.testing.faults.leftovers import RESOURCES
from simquay.testing.faults.trial import Script, Trial, normal, run_trial
from simquay.testing.harness.processes import call_in_fork

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot fork here")

SCRIPT = Script(deadline=30.0, width=3)


@pytest.fixture(autouse=True)
def _temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def reference() -> EngineBackend:
    return EngineBackend(ReferenceEngine(), name="reference", pool=WorkerPool(1))


def trial(fault: Fault) -> Trial:
    allowed = call_in_fork(lambda: normal(reference, SCRIPT))
    return call_in_fork(lambda: run_trial(reference, fault, SCRIPT, allowed))


def test_without_a_fault_all_is_well() -> None:
    assert trial(Fault("thread", 0)) == Trial(
        Fault("thread", 0), count=1, state="DONE", left={name: {} for name in RESOURCES}
    )


def test_under_a_fault_the_job_fails_and_the_next_one_runs() -> None:
    seen = trial(Fault("thread", 1, lasting=True))
    assert (seen.tries, seen.state, seen.next_problem) == (1, "ERROR", "")
    assert "can't start new thread (injected)" in seen.reason


class Wrong(EngineBackend):
    """Swaps the outcomes."""

    def run(self, run_input=None, **options):
        for circuit in run_input:
            circuit.x(0)
            circuit.measure(0, 0)
        return super().run(run_input, **options)


def test_wrong_counts_without_a_fault_are_no_basis() -> None:
    with pytest.raises(CheckFailed, match="without a fault, a job fails: bell: outcome"):
        call_in_fork(lambda: normal(lambda: Wrong(ReferenceEngine(), name="wrong"), SCRIPT))
