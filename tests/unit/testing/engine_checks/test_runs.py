"""Each check of runs fails on an engine that is wrong in what it checks."""

from __future__ import annotations

import os
import threading

import pytest

from simquay.engines.reference import ReferenceEngine
from tests.support.broken_engines import MUTANTS, failed_checks


@pytest.mark.parametrize("wrong", [name for name, (check, _) in MUTANTS.items() if check >= "E14"])
def test_a_broken_engine_fails_the_check_that_says_so(wrong: str) -> None:
    check, engine = MUTANTS[wrong]
    assert failed_checks(engine(), check)


def test_an_engine_for_one_thread_fails() -> None:
    class OneThread(ReferenceEngine):
        def __init__(self) -> None:
            self.busy = threading.Lock()

        def apply(self, state, plan, control):
            if not self.busy.acquire(blocking=False):
                raise RuntimeError("busy")
            try:
                super().apply(state, plan, control)
            finally:
                self.busy.release()

    assert "RuntimeError: busy" in failed_checks(OneThread(), "E20")["E20"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot fork here")
def test_an_engine_for_one_process_fails() -> None:
    class OneProcess(ReferenceEngine):
        def __init__(self) -> None:
            self.process = os.getpid()

        def apply(self, state, plan, control):
            if os.getpid() == self.process:
                super().apply(state, plan, control)

    assert "wrong in the forked process" in failed_checks(OneProcess(), "E21")["E21"]
