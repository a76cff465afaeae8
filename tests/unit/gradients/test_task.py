"""Shares of tasks, and the contract of their jobs."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Gate, Parameter
from qiskit.circuit.library import RXGate, efficient_su2
from qiskit.providers import JobStatus
from qiskit.quantum_info import SparsePauliOp

from simquay.control import Control
from simquay.engines.numpy.engine import DenseEngine
from simquay.errors import Cancelled, ProgramError
from simquay.execution.settings import RunContext
from simquay.gradients import AdjointEstimatorGradient, gradient_job
from simquay.gradients.task import GradientTask, Share, split
from simquay.jobs.dispatch.tasks import TaskControl
from simquay.jobs.errors import JobFailedError
from simquay.program import Observable, Parametric, Program
from tests.support.job_doubles import LONG


def a_share(points, first=0):
    program = Program(1, 0, (Parametric("ry", (0,), (0,)),), num_angles=1)
    mean_z = Observable(
        1, np.ones(1), np.array([1], dtype=np.uint8), np.zeros(1, dtype=np.intp), np.array([0, 1])
    )
    return Share(program, np.arange(first, first + points, dtype=float)[:, None], [mean_z])


@pytest.mark.parametrize(
    ("most", "sizes"),
    [
        (None, [[3, 1, 5]]),
        (100, [[3, 1, 5]]),
        (1, [[1]] * 9),
        (2, [[2], [1, 1], [2], [2], [1]]),
        (4, [[3, 1], [4], [1]]),
    ],
)
def test_points_are_split_in_order(most, sizes):
    shares = [a_share(3), a_share(1, 3), a_share(5, 4)]
    tasks = split(shares, most)
    assert [[len(one.angles) for one in task] for task in tasks] == sizes
    every = np.concatenate([one.angles for task in tasks for one in task])
    assert every.ravel().tolist() == [*range(9)]


def test_a_job_of_nothing_has_one_task():
    assert split([], None) == split([], 2) == [[]]
    assert gradient_job("numpy", [], max_circuits_per_task=2).result(LONG) == []


def test_a_task():
    task = GradientTask([a_share(3), a_share(1, 3)], DenseEngine(threads=1), RunContext())
    request = task.needs
    assert request is not None
    assert request.bytes >= 16 << 2  # a pair of one qubit
    first, second = task.run(TaskControl()).value
    np.testing.assert_allclose(first.slopes[:, 0, 0], -np.sin([0, 1, 2]), atol=1e-14)
    np.testing.assert_allclose(second.values[:, 0], np.cos([3]), atol=1e-14)
    assert issubclass(TaskControl, Control)
    control = TaskControl()
    control.cancel()
    with pytest.raises(Cancelled):
        task.run(control)


def test_jobs_survive_a_pickle_once_they_are_done():
    circuit = efficient_su2(2, reps=1)
    job = gradient_job("numpy", [(circuit, "ZZ", np.ones(8))], metadata={"mine": 1}, tags=["vqe"])
    [wanted] = job.result(LONG)
    copy = pickle.loads(pickle.dumps(job))
    np.testing.assert_array_equal(copy.result()[0].gradients, wanted.gradients)
    assert (copy.metadata, copy.status()) == (job.metadata, JobStatus.DONE)
    job = AdjointEstimatorGradient("numpy").run([circuit], [SparsePauliOp("ZZ")], [np.ones(8)])
    job.result(LONG)
    copy = pickle.loads(pickle.dumps(job))
    np.testing.assert_array_equal(copy.result().gradients[0], wanted.gradients)


def test_a_job_is_cancelled():
    circuit = efficient_su2(20, reps=20)
    job = gradient_job("numpy", [(circuit, "Z" * 20, np.ones(circuit.num_parameters))])
    assert job.cancel()
    assert job.status() is JobStatus.CANCELLED
    [after] = gradient_job("numpy", [(efficient_su2(1), "Z", np.zeros(8))]).result(LONG)
    assert after.values == 1


def test_an_error_of_the_chain_rule_fails_the_job():
    a = Parameter("a")
    circuit = QuantumCircuit(1)
    circuit.rx(a**0.5, 0)
    with pytest.raises((ProgramError, JobFailedError), match="no finite real number"):
        gradient_job("numpy", [(circuit, "Z", [0.0])]).result(LONG)


def test_a_parameter_that_no_gate_has():
    """A circuit that is lowered at each point has as many derivatives as parameters."""
    a, z = Parameter("a"), Parameter("z")
    circuit = QuantumCircuit(1)
    circuit.append(RXGate(a).power(0.5, annotated=True), [0])
    nothing = Gate("nothing", 1, [z])
    nothing.definition = QuantumCircuit(1)
    circuit.append(nothing, [0])
    [found] = gradient_job("numpy", [(circuit, "Z", [0.4, 0.3])]).result(LONG)
    np.testing.assert_allclose(found.gradients, [-np.sin(0.2) / 2, 0], atol=1e-12)
