"""Two hundred real jobs from sixteen threads, a third cancelled at random, a tenth failing."""

from __future__ import annotations

import gc
import random
import threading
import time
from collections import Counter
from typing import Any

import psutil
import pytest
from qiskit import QuantumCircuit
from qiskit.providers import JobError, JobStatus

from simquay.engines.numpy.engine import DenseEngine
from simquay.execution.memory import ledger_for
from simquay.jobs.dispatch.threads import WorkerPool
from simquay.jobs.job import Job
from simquay.simulators.engine.backend import EngineBackend
from simquay.simulators.engine.task import EngineTask
from tests.support.job_doubles import until

pytestmark = pytest.mark.serial

THREADS = 16
JOBS = 200
WIDE = 13
"""Qubits of the circuits that work; 128 KiB of amplitudes."""

FAILING = 7
"""Circuits of so many qubits fail."""


class Moody(DenseEngine):
    """An engine that fails in mid-run, with its state allocated."""

    def apply(self, state: Any, *arguments: Any, **keywords: Any) -> None:
        if state.num_qubits == FAILING:
            raise RuntimeError("in a mood")
        super().apply(state, *arguments, **keywords)


def work(qubits: int) -> QuantumCircuit:
    """A circuit of some milliseconds with one outcome: all ones."""
    circuit = QuantumCircuit(qubits, qubits)
    for layer in range(10):
        for index in range(qubits):
            circuit.rx(0.3 + index + layer, index)
        for index in range(qubits - 1):
            circuit.cx(index, index + 1)
    circuit.compose(circuit.inverse(), inplace=True)
    circuit.x(range(qubits))
    circuit.measure(range(qubits), range(qubits))
    return circuit


@pytest.fixture(scope="module")
def circuits() -> tuple[QuantumCircuit, QuantumCircuit]:
    return work(WIDE), work(FAILING)


def one_round(
    backend: EngineBackend, circuits: tuple[QuantumCircuit, QuantumCircuit], seed: int
) -> Counter[JobStatus]:
    """All jobs; returns how many ended in which state, each of them rightly."""
    good, bad = circuits
    ended: Counter[JobStatus] = Counter()
    wrong: list[str] = []
    lock = threading.Lock()

    def submit(thread: int) -> None:
        generator = random.Random(1000 * seed + thread)
        for number in range(thread, JOBS, THREADS):
            fails, cancels = number % 10 == 3, generator.random() < 1 / 3
            job = backend.run(bad if fails else good, shots=20)
            brought_about = False
            if cancels:
                time.sleep(generator.choice((0.0, 0.001, 0.01, 0.05)))
                brought_about = job.cancel()
            job.wait_for_final_state(120)
            expected = JobStatus.ERROR if fails else JobStatus.DONE
            if brought_about:
                expected = JobStatus.CANCELLED
            status = job.status()
            try:
                counts: Any = job.result(1).get_counts()
            except JobError as error:
                counts = error
            right = counts == {"1" * WIDE: 20} if status is JobStatus.DONE else True
            with lock:
                ended[status] += 1
                if status is not expected or not right:
                    wrong.append(f"job {number}: {status}, expected {expected}; {counts!r}")

    threads = [threading.Thread(target=submit, args=(thread,)) for thread in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(240)
    assert not any(thread.is_alive() for thread in threads)
    assert wrong == []
    return ended


def check_rounds(circuits: tuple[QuantumCircuit, QuantumCircuit], rounds: int) -> None:
    """So many rounds: right final states, and nothing left behind."""
    engine, process = Moody(), psutil.Process()
    threads = threading.active_count()
    pool = WorkerPool(4)
    backend = EngineBackend(engine, name="moody", pool=pool)
    ledger = ledger_for(engine)

    def left() -> int:
        return sum(
            # By type(): a dead weak proxy of somebody else answers isinstance with an error.
            (issubclass(type(one), EngineTask) and one._engine is engine) or type(one) is Job
            for one in gc.get_objects()
        )

    before_jobs = left()
    one_round(backend, circuits, 0)  # plans are cached, and buffers made, once
    gc.collect()
    resident = process.memory_info().rss
    for number in range(1, rounds + 1):
        ended = one_round(backend, circuits, number)
        assert sum(ended.values()) == JOBS
        assert min(ended[one] for one in (JobStatus.DONE, JobStatus.CANCELLED, JobStatus.ERROR)) > 5
        assert until(lambda: ledger.reserved == 0, 10)
        assert len(pool._threads) <= 4
    pool.stop()
    assert until(lambda: threading.active_count() <= threads, 10)
    gc.collect()
    assert until(lambda: left() <= before_jobs, 10)
    # A state is 128 KiB: one job in ten that kept its own would be 2.5 MiB a round.
    assert process.memory_info().rss - resident < 16 * 2**20


@pytest.mark.timeout(300)
def test_two_hundred_jobs_end_right_and_leave_nothing(
    circuits: tuple[QuantumCircuit, QuantumCircuit],
) -> None:
    check_rounds(circuits, 1)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_two_hundred_jobs_ten_times_in_a_row(
    circuits: tuple[QuantumCircuit, QuantumCircuit],
) -> None:
    check_rounds(circuits, 10)
