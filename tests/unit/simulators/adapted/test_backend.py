"""adapt: other people's backends, in a worker process and in a thread: runs, results, failures."""

from __future__ import annotations

import threading
from typing import Any

import psutil
import pytest
from qiskit import QuantumCircuit, transpile
from qiskit.exceptions import QiskitError
from qiskit.providers import JobStatus, JobV1
from qiskit.providers.basic_provider import BasicSimulator

import simquay
from simquay.errors import SimquayWarning
from simquay.jobs.errors import JobCancelledError, JobFailedError
from simquay.simulators import adapt
from simquay.simulators.inputs import RunInputError
from simquay.simulators.options import RunOptionError
from tests.support import foreign_backends as theirs
from tests.support.adapted_runs import BOTH, adapted, circuit
from tests.support.foreign_backends import Foreign, ReadyJob
from tests.support.job_doubles import LONG

pytestmark = pytest.mark.timeout(120)


@BOTH
def test_a_run_gives_the_foreign_result(isolation: str) -> None:
    backend = adapted(theirs.plain, isolation)
    job = backend.run([circuit("a"), circuit("b")], shots=5, metadata={"owner": "me"})
    assert isinstance(job, JobV1)
    result = job.result(LONG)
    assert [one.header["name"] for one in result.results] == ["a", "b"]
    assert (result.backend_name, result.job_id) == ("foreign", job.job_id())
    assert result.metadata["shots"] == 5
    here = psutil.Process().pid
    assert (result.metadata["pid"] == here) is (isolation == "thread")
    assert job.backend() is backend
    assert job.metadata == {
        "owner": "me",
        "backend": "foreign",
        "engine": "foreign",
        "device": None,
        "precision": None,
        "isolation": isolation,
        "fallback": None,
    }


def test_the_same_seed_gives_the_bare_backends_counts() -> None:
    bell = QuantumCircuit(2)
    bell.h(0)
    bell.cx(0, 1)
    bell.measure_all()
    bare = BasicSimulator().run(bell, shots=500, seed_simulator=5).result().get_counts()
    basic = simquay.get_backend("basic")
    assert basic.run(bell, shots=500, seed_simulator=5).result(LONG).get_counts() == bare
    thread = basic.run(bell, shots=500, seed_simulator=5, isolation="thread")
    assert thread.result(LONG).get_counts() == bare
    assert (thread.metadata["isolation"], thread.metadata["backend"]) == ("thread", "basic")
    assert (thread.metadata["device"], thread.metadata["precision"]) == ("cpu", "double")


def test_it_has_what_the_foreign_backend_has() -> None:
    foreign = Foreign(theirs.plain, name="theirs")
    backend = adapt(foreign)
    assert (backend.name, backend.description) == ("theirs", "somebody else's")
    assert backend.foreign is foreign
    assert backend.speciality() == "of the house"
    assert backend.options.flavour == "plain"
    assert transpile(circuit(), backend).count_ops() == {"x": 1, "measure": 1}
    with pytest.raises(AttributeError):
        backend.no_such_thing  # noqa: B018  # reading it is the test
    assert adapt(foreign, name="mine", description="no", device="cpu").name == "mine"


def test_it_runs_in_a_process_where_it_can_travel() -> None:
    assert adapt(Foreign(theirs.plain)).isolation == "process"
    lock = threading.Lock()
    stuck = Foreign(lambda circuits, options: lock)
    assert adapt(stuck).isolation == "thread"
    with pytest.raises(RunInputError, match=r"worker process: it does not pickle.*isolation="):
        adapt(stuck, isolation="process")
    with pytest.raises(RunInputError, match="worker process"):
        adapt(stuck).run(circuit(), isolation="process")


def test_a_factory_makes_the_workers_backend() -> None:
    stuck = Foreign(lambda circuits, options: None)
    backend = adapt(stuck, factory="tests.support.foreign_backends:make_plain")
    assert backend.isolation == "process"
    assert backend.run(circuit()).result(LONG).metadata["flavour"] == "plain"


def test_adapting_again_changes_the_isolation_alone() -> None:
    basic = simquay.get_backend("basic")
    basic.set_options(shots=11)
    again = adapt(basic, isolation="thread")
    assert (again.foreign, again.name, again.isolation) == (basic.foreign, "basic", "thread")
    assert again.run(circuit()).result(LONG).get_counts() == {"1": 11}


def test_only_backends_are_adapted() -> None:
    with pytest.raises(TypeError, match="expected a BackendV2"):
        adapt(5)
    with pytest.raises(RunOptionError, match="'process' or 'thread'"):
        adapt(Foreign(theirs.plain), isolation="island")


# --- results and failures -------------------------------------------------------------------------


def test_a_job_that_raised_is_not_run_again_in_a_thread() -> None:
    """It may have been sent to a machine that somebody pays for."""
    runs = []

    class Raising(ReadyJob):
        def result(self) -> Any:
            raise ValueError("too late")

    def submitting(circuits: list[QuantumCircuit], options: dict[str, Any]) -> Any:
        runs.append(len(circuits))
        return Raising(None)

    with pytest.raises(JobFailedError, match="2 circuits failed: ValueError: too late"):
        adapted(submitting).run([circuit(), circuit()]).result(LONG)
    assert runs == [2]


@BOTH
def test_a_job_that_the_backend_cancels_is_cancelled(isolation: str) -> None:
    job = adapted(theirs.refused, isolation).run(circuit())
    with pytest.raises(JobCancelledError):
        job.result(LONG)
    assert job.status() is JobStatus.CANCELLED


def test_counts_of_what_was_not_measured_are_qiskits_error() -> None:
    basic = simquay.get_backend("basic")
    silent = QuantumCircuit(1, 1)
    silent.x(0)
    for unmeasured in (circuit(bits=0), silent):
        with pytest.warns(SimquayWarning, match=r"measures nothing, .*measure_all\(\)$") as told:
            result = basic.run(unmeasured).result(LONG)
        assert told[0].filename == __file__
        assert result.success
        with pytest.raises(QiskitError, match="No counts"):
            result.get_counts()


def test_a_result_larger_than_any_pipe_arrives() -> None:
    result = adapted(theirs.large, "process").run(circuit()).result(LONG)
    assert len(result.metadata["ballast"]) == 1 << 24
