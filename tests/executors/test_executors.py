"""Jobs in tasks: the same results wherever the tasks run and however the job is split."""

from __future__ import annotations

import os
import random
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.circuit import Instruction
from qiskit.quantum_info import SparsePauliOp, Statevector
from qiskit_aer import library as aer

import simquay
from simquay.engines.numpy.engine import DenseEngine
from simquay.jobs.errors import JobFailedError
from simquay.simulators.engine.backend import EngineBackend
from tests.support.executor_doubles import ManualExecutor
from tests.support.job_doubles import LONG, until
from tests.support.random_circuits import dynamic_circuits
from tests.support.task_circuits import (
    SHOTS,
    VERY_LONG,
    data,
    long_circuit,
    registers,
    run,
    wide,
)

pytestmark = pytest.mark.timeout(280)


SPLITS: list[dict[str, int]] = [
    {},
    {"max_circuits_per_task": 1},
    {"max_circuits_per_task": 3},
    {"max_shots_per_task": 499},
    {"max_shots_per_task": 77, "max_circuits_per_task": 2},
    {"max_shots_per_task": 10**9, "max_circuits_per_task": 10**9},
]


@pytest.mark.parametrize("split", SPLITS, ids=str)
@pytest.mark.parametrize("where", ["own workers", "threads", "processes"])
def test_results_depend_on_neither_split_nor_executor(
    where: str, split: dict[str, int], expected: list[Any], request: pytest.FixtureRequest
) -> None:
    executor = None if where == "own workers" else request.getfixturevalue(where)
    result = run(executor=executor, **split).result(VERY_LONG)
    assert data(result) == expected
    assert result.get_counts()[1] == run().result(LONG).get_counts(1)
    parts = result.metadata.get("tasks", [])
    if parts:
        taken = sorted(
            (circuit, shot)
            for one in parts
            for circuit in one["circuits"]
            for shot in range(one["first_shot"], one["first_shot"] + one["shots"])
        )
        assert taken == [(circuit, shot) for circuit in range(4) for shot in range(SHOTS)]


@pytest.mark.filterwarnings("ignore:circuit .* measures nothing")
@settings(max_examples=25, deadline=None)
@given(dynamic_circuits(), st.integers(1, 40), st.integers(0, 2**53))
def test_random_circuits_give_the_same_shots_however_they_are_split(
    circuit: QuantumCircuit, most: int, seed: int
) -> None:
    backend = simquay.get_backend("numpy")
    options = {"shots": 60, "seed_simulator": seed}
    whole, parts = (
        backend.run(circuit, memory=True, **options, **split).result(LONG)
        for split in ({}, {"max_shots_per_task": most})
    )
    assert data(parts) == data(whole)


def test_the_order_of_completion_does_not_matter(expected: list[Any]) -> None:
    executor = ManualExecutor()
    job = run(executor=executor, max_shots_per_task=100)
    assert until(lambda: len(executor.calls) == 20)
    order = list(range(20))
    random.Random(5).shuffle(order)
    for number in order:
        assert executor.begin(number)
        executor.finish(number)
    assert data(job.result(LONG)) == expected


def test_the_executor_may_be_the_backends_own_option(threads: ThreadPoolExecutor) -> None:
    backend = simquay.get_backend("numpy")
    backend.set_options(executor=threads, max_shots_per_task=300)
    tasks = run(backend).result(LONG).metadata["tasks"]
    assert len(tasks) == 8  # one circuit a task on an executor of the user's, unless told else
    here = run(backend, executor=None, max_shots_per_task=None)
    assert "tasks" not in here.result(LONG).metadata
    made = EngineBackend(DenseEngine(), name="mine", executor=threads)
    assert len(run(made).result(LONG).metadata["tasks"]) == 4


def test_a_result_says_what_ran_each_part(processes: ProcessPoolExecutor) -> None:
    circuits = [long_circuit(12, 60, f"c{number}") for number in range(8)]

    def pids() -> set[int]:
        job = run(circuits=circuits, executor=processes, shots=10)
        result = job.result(VERY_LONG)
        assert result.metadata["executor"] == "ProcessPoolExecutor"
        tasks = result.metadata["tasks"]
        assert [one["circuits"] for one in tasks] == [[number] for number in range(8)]
        fields = {"circuits", "first_shot", "shots", "pid", "host", "attempt", "seconds"}
        for one in tasks:
            assert set(one) == fields
            assert (one["attempt"], one["host"]) == (1, os.uname().nodename)
            assert one["seconds"] > 0
        return {one["pid"] for one in tasks}

    assert until(lambda: len(pids()) == 2, VERY_LONG)  # the second process may start later
    assert os.getpid() not in pids()


def test_states_are_not_split_by_shots_and_travel_as_they_are(
    processes: ProcessPoolExecutor,
) -> None:
    saving = QuantumCircuit(2, 2)
    saving.h(0)
    saving.append(Instruction("save_statevector", 2, 0, []), [0, 1])
    saving.cx(0, 1)
    saving.measure([0, 1], [0, 1])
    backend = simquay.get_backend("numpy")
    for executor in (None, processes):
        result = run(backend, [saving, wide()], executor=executor, max_shots_per_task=200).result(
            VERY_LONG
        )
        shots = [(one["circuits"], one["shots"]) for one in result.metadata["tasks"]]
        assert shots == [([0], 500), ([1], 200), ([1], 200), ([1], 100)]
        assert result.get_statevector(0) == Statevector([1, 1, 0, 0]) / np.sqrt(2)
        state = run(
            backend, registers(), executor=executor, max_shots_per_task=1, statevector=True
        ).result(VERY_LONG)
        assert len(state.metadata["tasks"]) == 1
        here = run(backend, registers(), statevector=True).result(LONG)
        assert np.array_equal(state.get_statevector().data, here.get_statevector().data)


def test_saved_data_of_shots_travel_and_are_joined(processes: ProcessPoolExecutor) -> None:
    saving = QuantumCircuit(2, 2)
    saving.h([0, 1])
    saving.measure(0, 1)
    for label, conditional in (("each", False), ("by_bits", True)):
        save = aer.SaveStatevector(2, label=label, pershot=not conditional, conditional=conditional)
        saving.append(save, [0, 1])
    operator = SparsePauliOp.from_list([("ZX", 1.0), ("IZ", 0.5)])
    saving.append(aer.SaveExpectationValueVariance(operator, label="mean"), [0, 1])
    saving.append(aer.SaveProbabilitiesDict(2, label="sum", unnormalized=True), [1, 0])
    backend = simquay.get_backend("numpy")
    expected = run(backend, saving).result(LONG).data()
    result = run(backend, saving, executor=processes, max_shots_per_task=200).result(VERY_LONG)
    assert len(result.metadata["tasks"]) == 3
    found = result.data()
    assert found.keys() == expected.keys()
    assert (found["each"], found["by_bits"]) == (expected["each"], expected["by_bits"])
    np.testing.assert_allclose(found["mean"], expected["mean"], atol=1e-12)
    assert found["sum"] == pytest.approx(expected["sum"])


def test_precision_and_memory_limit_travel(processes: ProcessPoolExecutor) -> None:
    single = run(precision="single", statevector=True, circuits=registers(), executor=processes)
    here = run(precision="single", statevector=True, circuits=registers())
    state = single.result(VERY_LONG).get_statevector().data
    assert np.array_equal(state, here.result(LONG).get_statevector().data)
    with pytest.raises(JobFailedError, match="max_memory_mb"):
        run(circuits=long_circuit(18, 1), executor=processes, max_memory_mb=1).result(VERY_LONG)
