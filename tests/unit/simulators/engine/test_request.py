"""Requests and answers as bytes; tests/unit/simulators/test_keeping.py runs what they hold."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest
from qiskit import QuantumCircuit

from simquay.circuits.info import CircuitInfo
from simquay.circuits.lowering.circuit import lower
from simquay.errors import ProgramError
from simquay.execution.settings import Outcome, Piece, RunContext
from simquay.simulators.engine.pubs.bits import RegisterBits
from simquay.simulators.engine.pubs.jobs import JoinPubs
from simquay.simulators.engine.pubs.shown import EstimatedShown, SampledShown, Shown
from simquay.simulators.engine.request import (
    EngineRequest,
    answer_from_bytes,
    answer_to_bytes,
)
from simquay.simulators.engine.work import Part
from simquay.simulators.worker import Answer


def circuit() -> QuantumCircuit:
    made = QuantumCircuit(2, 1, metadata={"list": [1, (2.5, None)], 3: {4}})
    made.ry(0.3, 0)
    made.measure(0, 0)
    return made


def test_a_run_comes_back_as_it_was() -> None:
    infos = [CircuitInfo.of(circuit())]
    context = RunContext(shots=9, seed=4, wanted={"statevector": True})
    program = lower(circuit())
    pieces = [[Piece((0,), 0, 5), Piece((0,), 5, 4)]]
    request = EngineRequest("numpy", [Part(range(1), [program], context)], pieces, infos)
    again = EngineRequest.from_bytes(request.to_bytes())
    assert (again.engine, again.told) == ("numpy", infos)
    assert [[*some] for some in again.pieces] == pieces
    ((numbers, programs, its),) = again.parts
    assert ([*numbers], [*programs], its) == ([0], [program], context)


def test_the_join_of_a_primitives_job_comes_back_as_it_was() -> None:
    registers = [RegisterBits("c", [0]), RegisterBits("d", [2, 1])]
    shown: list[Shown] = [
        SampledShown((2,), 7, registers, {"list": [1, (2,)]}),
        EstimatedShown((1,), np.array([0]), 0.25, None),
    ]
    join = JoinPubs(["a", "b"], [2, 1], shown, 5, {"engine": "e", "fallback": None})
    part = Part(range(0), [], RunContext())
    told = EngineRequest.from_bytes(EngineRequest("e", [part], [[]], join).to_bytes()).told
    assert isinstance(told, JoinPubs)
    assert ([*told.names], [*told.sizes], told.seed, told.metadata) == (
        ["a", "b"],
        [2, 1],
        5,
        {"engine": "e", "fallback": None},
    )
    sampled, estimated = told.shown
    assert isinstance(sampled, SampledShown)
    assert (sampled.shape, sampled.shots, sampled.metadata) == ((2,), 7, {"list": [1, (2,)]})
    assert [(one.name, [*one.bits]) for one in sampled.registers] == [("c", [0]), ("d", [2, 1])]
    assert isinstance(estimated, EstimatedShown)
    assert (estimated.places.tolist(), estimated.precision) == ([0], 0.25)


def test_bytes_of_another_kind_are_refused() -> None:
    with pytest.raises(ProgramError):
        EngineRequest.from_bytes(b"something")
    with pytest.raises(ProgramError):
        answer_from_bytes(EngineRequest("e", [], [], []).to_bytes())


def test_an_answer_comes_back_as_it_was_and_says_where_it_is_from() -> None:
    one = np.array([1, 2j])
    results: dict[str, Any] = {
        "samples": np.array([[1], [5]], dtype=np.uint64),
        "saved": {
            "each": ("statevector", "list", {None: (2, [one, one])}),
            "mean": ("expectation_value", "average", {3: (2, np.float64(0.5))}),
        },
        "probabilities": (np.array([[1]], dtype=np.uint64), np.array([1.0])),
    }
    outcomes = {4: (Outcome(results, {"method": "m", "passes": 2}), 0.25)}
    data = answer_to_bytes(Answer((outcomes, {}), 1.5))
    assert data is not None
    answer = answer_from_bytes(data)
    found, failures = answer.value
    assert failures == {}
    outcome, seconds = found[4]
    assert (seconds, answer.seconds, answer.ran_by and answer.ran_by[0]) == (0.25, 1.5, os.getpid())
    assert np.array_equal(outcome["samples"], results["samples"])
    kind, form, groups = outcome["saved"]["each"]
    assert (kind, form, type(groups[None][1])) == ("statevector", "list", list)
    assert groups[None][1][0] is groups[None][1][1]
    assert outcome["saved"]["mean"] == results["saved"]["mean"]
    assert outcome.metadata == {"method": "m", "passes": 2}
    assert answer.report([4], 0, 2, 1)["from_store"] is True


def test_an_answer_with_a_failure_is_not_kept() -> None:
    assert answer_to_bytes(Answer(({}, {0: ValueError("no")}), 1.0)) is None
