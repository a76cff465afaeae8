"""A task in another process, without the process."""

from __future__ import annotations

import os
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from qiskit import QuantumCircuit

from simquay.circuits.lowering.circuit import lower
from simquay.engines.reference import ReferenceEngine
from simquay.errors import ProgramError
from simquay.execution.settings import Piece, RunContext
from simquay.jobs.dispatch.tasks import RemoteCall, TaskControl
from simquay.jobs.workers.errors import RemoteError
from simquay.program.packing import pack_programs
from simquay.simulators.engine.remote import PortableTask, TaskRequest, run_request
from simquay.simulators.engine.task import EngineTask
from simquay.simulators.worker import Answer
from simquay.system.version import simquay_version


def coins() -> QuantumCircuit:
    made = QuantumCircuit(3, 3)
    made.h(range(3))
    made.measure(range(3), range(3))
    return made


REQUEST = TaskRequest(
    version=simquay_version(),
    job_id="job",
    task=2,
    attempt=1,
    backend="somebody:reference",
    engine="reference",
    context=RunContext(shots=50, seed=7, wanted={"statevector": True}),
    piece=Piece((4,), 10, 25),
)
PROGRAMS = pack_programs([lower(coins())])


def finder(engine: Any) -> Any:
    return lambda name: SimpleNamespace(engine=engine)


def portable(attempt: int = 1) -> RemoteCall:
    """The call of a portable task like the request."""
    control = TaskControl("job", 2)
    control.attempt = attempt
    task = PortableTask(
        [lower(coins())],
        ReferenceEngine(),
        REQUEST.context,
        REQUEST.piece,
        packed=lambda: PROGRAMS,
        address=REQUEST.backend,
        finder=finder(ReferenceEngine()),
    )
    return task.remote(control)


def read(plain: Any) -> Answer:
    answer: Answer = portable().read(plain)
    return answer


def test_a_task_calls_run_request_with_what_it_is_and_each_attempt_is_another_call() -> None:
    call = portable()
    assert call.function is run_request
    _, request, programs = call.arguments
    assert TaskRequest.unpack(request) == REQUEST
    assert programs == PROGRAMS
    assert portable(attempt=2).arguments[1] != request


def test_a_request_survives_packing() -> None:
    assert TaskRequest.unpack(REQUEST.pack()) == REQUEST
    with pytest.raises(ProgramError):
        TaskRequest.unpack(b"something else")


def test_the_answer_is_that_of_the_same_task_in_this_process() -> None:
    plain = run_request(finder(ReferenceEngine()), REQUEST.pack(), PROGRAMS)
    answer = read(plain)
    task = EngineTask([lower(coins())], ReferenceEngine(), REQUEST.context, REQUEST.piece)
    outcomes, failures = answer.value
    expected, _ = task.run(TaskControl()).value
    assert set(outcomes) == set(expected) == {4}
    np.testing.assert_array_equal(outcomes[4][0]["samples"], expected[4][0]["samples"])
    assert answer.ran_by is not None
    assert answer.ran_by[0] == os.getpid()
    assert not failures


def test_a_program_that_fails_is_a_failure_in_the_answer() -> None:
    request = replace(REQUEST, context=replace(REQUEST.context, max_bytes=1))
    _, failures = read(run_request(finder(ReferenceEngine()), request.pack(), PROGRAMS)).value
    assert list(failures) == [4]
    assert isinstance(failures[4], MemoryError)


@pytest.mark.parametrize(
    ("engine", "changes", "said"),
    [
        (ReferenceEngine(), {"version": "0"}, "made by Simquay 0"),
        (ReferenceEngine(), {"engine": "other"}, "has the engine 'reference'.*needs 'other'"),
        (None, {}, "is not one of an engine"),
    ],
)
def test_a_worker_that_differs_answers_with_an_error(
    engine: Any, changes: dict[str, Any], said: str
) -> None:
    request = replace(REQUEST, **changes)
    plain = run_request(finder(engine), request.pack(), PROGRAMS)
    with pytest.raises(RemoteError, match=f"ForeignWorkerError: .*{said}"):
        read(plain)
