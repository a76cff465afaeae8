"""A job that is cancelled while its shots are counted stops at the next portion."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from qiskit import QuantumCircuit

from simquay import results
from simquay.control import Control
from simquay.engines.reference import ReferenceEngine
from simquay.errors import Cancelled
from simquay.execution.counting import count_samples
from simquay.execution.memory import host_ledger
from simquay.simulators.engine.backend import EngineBackend

LONG = 30.0


@pytest.mark.parametrize("options", [{}, {"max_shots_per_task": 100}])
@pytest.mark.parametrize("memory", [True, False])
def test_counting_stops_when_the_job_is_cancelled(
    options: dict[str, int], memory: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    counting, cancelled, stopped = threading.Event(), threading.Event(), threading.Event()

    def watched(samples: Any, bits: int, control: Control, **fields: Any) -> dict[str, Any]:
        counting.set()
        assert cancelled.wait(LONG)
        try:
            return count_samples(samples, bits, control, **fields)
        except Cancelled:
            stopped.set()
            raise

    monkeypatch.setattr(results, "count_samples", watched)
    circuit = QuantumCircuit(13)
    circuit.h(range(13))
    circuit.measure_all()
    backend = EngineBackend(ReferenceEngine(), name="reference")
    job = backend.run(circuit, shots=200, memory=memory, **options)
    assert counting.wait(LONG)
    assert job.progress() < 1
    assert job.cancel()
    cancelled.set()
    assert stopped.wait(LONG)
    released = threading.Event()
    forget = host_ledger().on_release(released.set)
    assert host_ledger().reserved == 0 or released.wait(LONG)
    forget()
