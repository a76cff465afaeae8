"""adapt: memory that is reserved for foreign runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from qiskit import QuantumCircuit
from qiskit.providers import JobStatus

import simquay
from simquay.execution.memory import Ledger, host_ledger, ledger_for
from simquay.simulators import adapt
from simquay.simulators.adapted.backend import AdaptedBackend
from tests.support import foreign_backends as theirs
from tests.support.adapted_runs import circuit
from tests.support.foreign_backends import Foreign
from tests.support.job_doubles import LONG, until

GIB = 1 << 30


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """A machine of ten gibibytes."""
    made = Ledger("a small machine", lambda: 10 * GIB)
    monkeypatch.setattr("simquay.simulators.adapted.tasks.host_ledger", lambda: made)
    return made


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def behaviour_behind(gate: threading.Event) -> Callable[..., Any]:
    def behaviour(circuits: list[QuantumCircuit], options: dict[str, Any]) -> Any:
        assert gate.wait(LONG)
        return theirs.plain(circuits, options)

    return behaviour


def needing(count: int, gate: threading.Event) -> AdaptedBackend:
    return adapt(
        Foreign(behaviour_behind(gate)),
        isolation="thread",
        memory=lambda circuit, options: count * circuit.num_qubits,
    )


def test_what_does_not_fit_beside_what_runs_waits(ledger: Ledger, gate: threading.Event) -> None:
    backend = needing(6 * GIB, gate)
    first = backend.run(circuit())
    assert until(first.running, LONG)
    second = backend.run(circuit())
    assert not until(lambda: second.status() is not JobStatus.QUEUED, 0.3)
    assert ledger.reserved == 6 * GIB
    gate.set()
    first.result(LONG)
    second.result(LONG)
    assert until(lambda: ledger.reserved == 0, LONG)


def test_a_job_takes_what_its_largest_circuit_does(ledger: Ledger, gate: threading.Event) -> None:
    wide = QuantumCircuit(2, 1, name="good")
    wide.measure(0, 0)
    job = needing(3 * GIB, gate).run([circuit(), wide])
    assert until(job.running, LONG)
    assert ledger.reserved == 6 * GIB
    assert job.cancel()
    gate.set()
    assert until(lambda: ledger.reserved == 0, LONG)


@pytest.mark.parametrize("count", [0, 1 << 20, 20 * GIB])
def test_little_and_too_much_runs_without(
    ledger: Ledger, gate: threading.Event, count: int
) -> None:
    gate.set()
    backend = needing(count, gate)
    assert backend.run(circuit()).result(LONG).success
    with ThreadPoolExecutor(1) as executor:
        assert backend.run(circuit(), executor=executor).result(LONG).success
    assert ledger.reserved == 0


def test_threads_of_the_users_wait_as_well(ledger: Ledger, gate: threading.Event) -> None:
    backend = needing(6 * GIB, gate)
    with ThreadPoolExecutor(2) as executor:
        jobs = [backend.run(circuit(), executor=executor) for _ in range(2)]
        assert until(lambda: any(job.running() for job in jobs), LONG)
        assert not until(lambda: all(job.running() for job in jobs), 0.3)
        assert ledger.reserved == 6 * GIB
        gate.set()
        assert all(job.result(LONG).success for job in jobs)
    assert ledger.reserved == 0


def test_without_a_rule_nothing_is_reserved(ledger: Ledger, gate: threading.Event) -> None:
    job = adapt(Foreign(behaviour_behind(gate)), isolation="thread").run(circuit())
    assert until(job.running, LONG)
    assert ledger.reserved == 0
    gate.set()
    job.result(LONG)


def test_it_is_the_ledger_of_the_engines() -> None:
    assert host_ledger() is ledger_for(simquay.get_backend("reference").engine)


def test_an_adapted_backend_that_is_adapted_anew_reserves_as_before(
    ledger: Ledger, gate: threading.Event
) -> None:
    job = adapt(needing(3 * GIB, gate), name="anew").run(circuit())
    assert until(job.running, LONG)
    assert ledger.reserved == 3 * GIB
    gate.set()
    job.result(LONG)
