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
from simquay.engines.numpy.engine import DenseEngine
from simquay.engines.reference import ReferenceEngine
from simquay.execution.observables.values import Estimates
from simquay.execution.settings import Piece, RunContext
from simquay.jobs.dispatch.tasks import RemoteCall, TaskControl
from simquay.jobs.errors import RemoteError
from simquay.program.packing import pack_programs
from simquay.simulators.engine.remote import remote_task, run_request
from simquay.simulators.engine.task import EngineTask
from simquay.simulators.worker import Answer
from tests.support.observables import observable


def coins() -> QuantumCircuit:
    made = QuantumCircuit(3, 3)
    made.h(range(3))
    made.measure(range(3), range(3))
    return made


CONTEXT = RunContext(shots=50, seed=7, wanted={"statevector": True})
PIECE = Piece((4,), 10, 25)
PROGRAMS = pack_programs([lower(coins())])


def finder(engine: Any) -> Any:
    return lambda name: SimpleNamespace(engine=engine)


def portable(
    attempt: int = 1, context: RunContext = CONTEXT, engine: Any = ReferenceEngine
) -> RemoteCall:
    """The call of a portable task; ``engine`` makes that of the process that runs it."""
    control = TaskControl("job", 2)
    control.attempt = attempt
    task = remote_task(
        "reference", context, PIECE, lambda: PROGRAMS, "somebody:reference", finder(engine())
    )
    return task.remote(control)


def done(call: RemoteCall) -> Answer:
    answer: Answer = call.read(call.function(*call.arguments))
    return answer


def test_a_task_calls_run_request_and_each_attempt_is_another_call() -> None:
    call = portable()
    assert call.function is run_request
    _, request, programs = call.arguments
    assert programs == PROGRAMS
    assert portable(attempt=2).arguments[1] != request


def test_something_else_than_a_request_is_an_error_in_the_answer() -> None:
    error = run_request(finder(None), b"something else", PROGRAMS)["error"]
    assert error["class"] == "ProgramError"
    assert "not a request" in error["text"]


def test_the_answer_is_that_of_the_same_task_in_this_process() -> None:
    answer = done(portable())
    task = EngineTask([lower(coins())], ReferenceEngine(), CONTEXT, PIECE)
    outcomes, failures = answer.value
    expected, _ = task.run(TaskControl()).value
    assert set(outcomes) == set(expected) == {4}
    np.testing.assert_array_equal(outcomes[4][0]["samples"], expected[4][0]["samples"])
    assert answer.ran_by is not None
    assert answer.ran_by[0] == os.getpid()
    assert not failures


def test_observables_travel_with_the_request() -> None:
    some = (observable(3, {"ZZI": 0.5, "+IX": 2.0}), observable(3, {"IIZ": 1.0}))
    wanted = {"expectation": Estimates(some, ((), (), (), (), (1, 0)))}
    outcomes, _ = done(portable(context=RunContext(shots=0, wanted=wanted))).value
    assert outcomes[4][0].results.keys() == {"expectation"}
    np.testing.assert_allclose(outcomes[4][0]["expectation"], np.zeros((2, 2)), atol=1e-15)


def test_a_program_that_fails_is_a_failure_in_the_answer() -> None:
    _, failures = done(portable(context=replace(CONTEXT, max_bytes=1))).value
    assert list(failures) == [4]
    assert isinstance(failures[4], MemoryError)


@pytest.mark.parametrize(
    ("engine", "said"),
    [
        (DenseEngine, "has the engine 'numpy'.*needs 'reference'"),
        (lambda: None, "is not one of an engine"),
    ],
)
def test_a_worker_that_differs_answers_with_an_error(engine: Any, said: str) -> None:
    with pytest.raises(RemoteError, match=f"ForeignWorkerError: .*{said}"):
        done(portable(engine=engine))
