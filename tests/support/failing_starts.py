"""A run whose k-th start of a thread fails, and later runs without failures."""

from __future__ import annotations

import threading
from typing import Any
from unittest.mock import patch

from qiskit import QuantumCircuit

import simquay
from simquay.execution.memory import host_ledger
from simquay.jobs.dispatch.threads import default_pool

__all__ = ["ERRORS", "run_with_failing_start"]

ERRORS = (
    RuntimeError("can't start new thread"),
    OSError(11, "Resource temporarily unavailable"),
    MemoryError(),
    ValueError("a debugger's own"),
)


def _circuit(width: int) -> QuantumCircuit:
    circuit = QuantumCircuit(width)
    circuit.x(0)
    for _ in range(8):
        circuit.h(range(1, width))
        circuit.cz(range(1, width - 1), range(2, width))
    circuit.measure_all()
    return circuit


def _settled(backend: Any, circuit: QuantumCircuit, **options: Any) -> str:
    """The name of the final status of a run, with the error's text where there is one."""
    job = backend.run(circuit, shots=20, **options)
    job.wait_for_final_state(300)
    counts = job.result().get_counts() if job.status().name == "DONE" else {"1": 20}
    assert sum(counts.values()) == 20
    assert all(key.endswith("1") for key in counts)
    return " ".join(filter(None, [job.status().name, job.error_message()]))


def run_with_failing_start(name: str, number: int, lasting: bool, **options: Any) -> None:
    """Print the status of a run whose start number ``number`` fails, and the status of later runs.

    Args:
        name: of the backend.
        number: of the start that fails, from 1.
        lasting: whether all later ones fail as well, until the run has ended.
        options: of the first run.
    """
    backend = simquay.get_backend(name)
    circuit = _circuit(5 if backend.name in ("basic", "aer") else 21)
    start, starts = threading.Thread.start, 0

    def failing(thread: threading.Thread) -> None:
        nonlocal starts
        starts += 1
        if starts == number or (lasting and starts > number):
            raise ERRORS[number % len(ERRORS)]
        start(thread)

    with patch.object(threading.Thread, "start", failing):
        print(_settled(backend, circuit, **options), "starts:", starts)
    after = [_settled(simquay.get_backend(one), _circuit(4)) for one in (name, "numpy", "basic")]
    after.append(_settled(backend, circuit, **options))
    print(*after)
    pool = default_pool()
    print(host_ledger().reserved, len(pool._waiting), len(pool._running))
