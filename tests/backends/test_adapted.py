"""adapt: other people's backends, in a worker process and in a thread, keep the job contract."""

from __future__ import annotations

import copy
import gc
import threading
import time
import weakref
from collections.abc import Iterator
from typing import Any

import foreign_backends as theirs
import psutil
import pytest
from foreign_backends import Foreign, HeldJob, LegacyJob, ReadyJob, a_result
from job_doubles import LONG, until
from qiskit import QuantumCircuit, transpile
from qiskit.circuit import Parameter
from qiskit.exceptions import QiskitError
from qiskit.providers import JobError, JobStatus, JobV1
from qiskit.providers.basic_provider import BasicSimulator

import quayside
from quayside.backends import adapt
from quayside.backends.adapted import AdaptedBackend
from quayside.backends.inputs import RunInputError
from quayside.backends.options import RunOptionError, UnknownOptionError
from quayside.jobs.errors import JobCancelledError, JobFailedError
from quayside.jobs.worker_pool import default_workers

pytestmark = pytest.mark.timeout(120)

BOTH = pytest.mark.parametrize("isolation", ["process", "thread"])


def circuit(name: str = "good", bits: int = 1) -> QuantumCircuit:
    made = QuantumCircuit(1, bits, name=name)
    made.x(0)
    if bits:
        made.measure(0, 0)
    return made


@pytest.fixture
def held() -> Iterator[HeldJob]:
    job = HeldJob([circuit()])
    yield job
    job.over.set()


def adapted(behaviour: Any, isolation: str | None = "thread", **options: Any) -> AdaptedBackend:
    return adapt(Foreign(behaviour, **options), isolation=isolation)


# --- what it is -----------------------------------------------------------------------------------


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
    basic = quayside.get_backend("basic")
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
    backend = adapt(stuck, factory="foreign_backends:make_plain")
    assert backend.isolation == "process"
    assert backend.run(circuit()).result(LONG).metadata["flavour"] == "plain"


def test_adapting_again_changes_the_isolation_alone() -> None:
    basic = quayside.get_backend("basic")
    basic.set_options(shots=11)
    again = adapt(basic, isolation="thread")
    assert (again.foreign, again.name, again.isolation) == (basic.foreign, "basic", "thread")
    assert again.run(circuit()).result(LONG).get_counts() == {"1": 11}


def test_only_backends_are_adapted() -> None:
    with pytest.raises(TypeError, match="expected a BackendV2"):
        adapt(5)  # type: ignore[arg-type]  # the caller's mistake
    with pytest.raises(RunOptionError, match="'process' or 'thread'"):
        adapt(Foreign(theirs.plain), isolation="island")


# --- options --------------------------------------------------------------------------------------


@BOTH
def test_options_pass_through(isolation: str) -> None:
    backend = adapted(theirs.plain, isolation)
    backend.set_options(flavour="salty", shots=3)
    told = backend.run(circuit(), seed_simulator=9).result(LONG).metadata
    assert (told["flavour"], told["shots"], told["seed_simulator"]) == ("salty", 3, 9)
    assert backend.foreign.options.shots == 7
    again = copy.deepcopy(backend)
    again.set_options(shots=4)
    assert backend.options.shots == 3
    assert again.run(circuit()).result(LONG).metadata["shots"] == 4


@pytest.mark.parametrize(
    ("options", "kind", "said"),
    [
        ({"shot": 5}, UnknownOptionError, "did you mean 'shots'"),
        ({"shots": 0}, RunOptionError, "1 or more"),
        ({"shots": 1.5}, RunOptionError, "integer"),
        ({"shots": True}, RunOptionError, "integer"),
        ({"seed_simulator": -1}, RunOptionError, "0 or more"),
        ({"flavour": "sweet"}, RunOptionError, "refuses"),
        ({"isolation": "island"}, RunOptionError, "'process' or 'thread'"),
        ({"metadata": 5}, RunOptionError, "dict"),
    ],
)
def test_wrong_options_are_the_callers_error(
    options: dict[str, Any], kind: type[Exception], said: str
) -> None:
    backend = adapted(theirs.plain)
    for call in (lambda: backend.run(circuit(), **options), lambda: backend.set_options(**options)):
        with pytest.raises(kind, match=said):
            call()
    assert dict(backend.options) == dict(backend.foreign.options)


def test_parameters_of_run_are_options_of_run_alone() -> None:
    backend = adapted(
        lambda circuits, options: ReadyJob(a_result(circuits, status=options["extra"]))
    )
    assert backend.run(circuit(), extra="more").result(LONG).status == "more"
    with pytest.raises(UnknownOptionError):
        backend.set_options(extra="more")


def test_bad_input_is_the_callers_error() -> None:
    backend = adapted(theirs.plain)
    unbound = QuantumCircuit(1)
    unbound.rx(Parameter("theta"), 0)
    for thing, said in ((5, "expected a QuantumCircuit"), ([], "no circuits"), (unbound, "theta")):
        with pytest.raises(RunInputError, match=said):
            backend.run(thing)
    backend.foreign._most = 2
    with pytest.raises(RunInputError, match="3 circuits are more than the 2"):
        backend.run([circuit()] * 3)


def test_what_cannot_travel_is_told_by_run() -> None:
    with pytest.raises(RunInputError, match=r"cannot travel.*isolation='thread'"):
        adapted(theirs.plain, "process").run(circuit(), extra=threading.Lock())


@BOTH
def test_j02_a_run_is_a_snapshot(isolation: str) -> None:
    seen: list[Any] = []
    go = threading.Event()

    def waiting(circuits: list[QuantumCircuit], options: dict[str, Any]) -> Any:
        go.wait(LONG)
        seen.append((circuits, options["extra"]))
        return theirs.plain(circuits, options)

    backend = adapted(waiting if isolation == "thread" else theirs.slow, isolation)
    first, extra = circuit(), [1]
    job = backend.run([first], extra=extra)
    first.data.clear()
    first.name = "changed"
    extra.append(2)
    backend.set_options(shots=99)
    go.set()
    result = job.result(LONG)
    assert result.results[0].header["name"] == "good"
    assert result.metadata["shots"] == 7
    if isolation == "thread":
        assert seen[0][1] == [1]
        assert len(seen[0][0][0].data) == 2


# --- results and failures -------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("behaviour", [theirs.failing, theirs.unsuccessful])
def test_j12_the_error_names_the_circuit_and_keeps_the_others(
    behaviour: Any, isolation: str
) -> None:
    job = adapted(behaviour, isolation).run([circuit("a"), circuit("bad"), circuit("c")])
    job.wait_for_final_state(LONG)
    assert job.status() is JobStatus.ERROR
    with pytest.raises(JobFailedError, match="bad") as caught:
        job.result()
    assert job.error_message() == str(caught.value)
    partial = caught.value.partial_result
    assert partial is not None
    assert partial.job_id == job.job_id()
    assert [one.header["name"] for one in partial.results] == ["a", "c"]
    assert partial.get_counts("c") == {"0": 1}
    if behaviour is theirs.failing:
        cause = caught.value.__cause__
        assert isinstance(cause, ValueError)
        assert "in failing" in str(cause.__cause__)
        assert cause.__traceback__ is None


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
@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        (theirs.no_result, "an object of type dict: expected a qiskit.result.Result"),
        (theirs.raising_oddly, "UnpicklableError: odd error"),
        (theirs.exiting, "SystemExit: enough"),
    ],
)
def test_j11_whatever_goes_wrong_fails_the_job(behaviour: Any, said: str, isolation: str) -> None:
    job = adapted(behaviour, isolation).run(circuit())
    with pytest.raises(JobFailedError, match=said):
        job.result(LONG)
    assert job.status() is JobStatus.ERROR


def test_j13_a_job_in_error_is_no_done_job_whatever_its_result() -> None:
    class InError(ReadyJob):
        def error_message(self) -> str:
            return "the device caught fire"

    backend = adapted(lambda circuits, options: InError(a_result(circuits), JobStatus.ERROR))
    with pytest.raises(JobFailedError, match="caught fire"):
        backend.run(circuit()).result(LONG)


@BOTH
def test_a_job_that_the_backend_cancels_is_cancelled(isolation: str) -> None:
    job = adapted(theirs.refused, isolation).run(circuit())
    with pytest.raises(JobCancelledError):
        job.result(LONG)
    assert job.status() is JobStatus.CANCELLED


def test_counts_of_what_was_not_measured_are_qiskits_error() -> None:
    basic = quayside.get_backend("basic")
    silent = QuantumCircuit(1, 1)
    silent.x(0)
    for unmeasured in (circuit(bits=0), silent):
        result = basic.run(unmeasured).result(LONG)
        assert result.success
        with pytest.raises(QiskitError, match="No counts"):
            result.get_counts()


def test_a_result_larger_than_any_pipe_arrives() -> None:
    result = adapted(theirs.large, "process").run(circuit()).result(LONG)
    assert len(result.metadata["ballast"]) == 1 << 24


# --- the foreign job's states ---------------------------------------------------------------------


def test_j22_j23_the_status_follows_the_foreign_one(held: HeldJob) -> None:
    job = adapted(lambda circuits, options: held).run(circuit())
    assert not until(lambda: job.status() is not JobStatus.QUEUED, 0.1)
    held.state = "RUNNING"  # some say it in strings
    assert until(lambda: job.status() is JobStatus.RUNNING)
    assert job.progress() == 0
    held.state = JobStatus.QUEUED  # ours only moves forward
    assert not until(lambda: job.status() is not JobStatus.RUNNING, 0.05)
    held.end()
    assert job.result(LONG).success
    assert job.progress() == 1


@pytest.mark.parametrize("state", [JobStatus.QUEUED, JobStatus.RUNNING])
def test_j16_cancelling_asks_the_foreign_job(state: JobStatus) -> None:
    theirs_ = HeldJob([circuit()], honest=False)
    theirs_.state = state
    job = adapted(lambda circuits, options: theirs_).run(circuit())
    time.sleep(0.05)
    assert job.cancel() is True
    assert job.status() is JobStatus.CANCELLED
    assert until(lambda: theirs_.cancels == 1)
    theirs_.end()
    assert not until(lambda: job.status() is not JobStatus.CANCELLED, 0.05)


def test_a_foreign_job_that_ignores_cancel_blocks_nobody() -> None:
    stubborn: list[HeldJob] = []

    def behaviour(circuits: list[QuantumCircuit], options: dict[str, Any]) -> Any:
        if circuits[0].name != "stubborn":
            return theirs.plain(circuits, options)
        stubborn.append(HeldJob(circuits, honest=False))
        return stubborn[-1]

    backend = adapt(Foreign(behaviour), isolation="thread")
    backend._instances._another = lambda: Foreign(behaviour)  # so that runs need not take turns
    jobs = [backend.run(circuit("stubborn")) for _ in range(8)]
    for job in jobs:
        assert job.cancel()
    assert backend.run(circuit()).result(LONG).success
    for one in stubborn:
        one.end()


def test_a_backend_that_cannot_be_copied_runs_one_job_after_another() -> None:
    running: list[int] = []
    most: list[int] = []

    def behaviour(circuits: list[QuantumCircuit], options: dict[str, Any]) -> Any:
        running.append(1)
        most.append(len(running))
        time.sleep(0.01)
        running.pop()
        return theirs.plain(circuits, options)

    backend = adapted(behaviour)
    jobs = [backend.run(circuit()) for _ in range(6)]
    assert all(job.result(LONG).success for job in jobs)
    assert most == [1] * 6


def test_legacy_jobs_are_submitted_and_adapted() -> None:
    made: list[LegacyJob] = []

    def behaviour(circuits: list[QuantumCircuit], options: dict[str, Any]) -> Any:
        made.append(LegacyJob(None, "theirs", lambda: a_result(circuits)))
        return made[-1]

    job = adapted(behaviour).run(circuit())
    assert job.result(LONG).get_counts() == {"0": 1}
    assert made[0].submissions == 1
    assert isinstance(job, JobV1)
    assert job.metadata["backend"] == "foreign"


def test_j35_nothing_of_the_run_is_held() -> None:
    seen: list[Any] = []

    def behaviour(circuits: list[QuantumCircuit], options: dict[str, Any]) -> Any:
        seen.append(weakref.ref(circuits[0]))
        return ReadyJob(a_result(circuits))

    job = adapted(behaviour).run(circuit())
    job.result(LONG)
    assert job._work is None

    def gone() -> bool:
        gc.collect()
        return seen[0]() is None

    assert until(gone, 5)


def test_threads_of_a_backend_end_with_it() -> None:
    before = threading.active_count()
    backend: AdaptedBackend | None = adapted(theirs.plain)
    assert backend is not None
    backend.run(circuit()).result(LONG)
    assert threading.active_count() > before
    backend = None

    def gone() -> bool:
        gc.collect()
        return threading.active_count() <= before

    assert until(gone, 5)


# --- worker processes -----------------------------------------------------------------------------


def test_j18_cancelling_kills_the_worker_and_the_next_job_runs() -> None:
    backend = adapted(theirs.endless, "process")
    job = backend.run(circuit())
    assert until(job.running)
    running = {pid for pid in default_workers().pids() if psutil.pid_exists(pid)}
    assert job.cancel() is True
    assert job.status() is JobStatus.CANCELLED
    assert until(lambda: any(not psutil.pid_exists(pid) for pid in running), 1.0)
    assert adapted(theirs.plain, "process").run(circuit()).result(LONG).success


def test_j17_a_queued_job_that_is_cancelled_never_runs() -> None:
    backend = adapted(theirs.endless, "process")
    jobs = [backend.run(circuit()) for _ in range(8)]
    for job in reversed(jobs):
        assert job.cancel()
        assert job.status() is JobStatus.CANCELLED
    assert adapted(theirs.plain, "process").run(circuit()).result(LONG).success


@pytest.mark.parametrize(
    ("behaviour", "said"), [(theirs.killed, "SIGKILL"), (theirs.leaving, "exit code 7")]
)
def test_a_worker_that_dies_under_a_run_fails_the_job(behaviour: Any, said: str) -> None:
    job = adapted(behaviour, "process").run(circuit())
    with pytest.raises(JobFailedError, match=f"worker process .*{said}"):
        job.result(LONG)
    assert adapted(theirs.plain, "process").run(circuit()).result(LONG).success


def test_a_worker_that_died_idle_is_replaced() -> None:
    backend = adapted(theirs.plain, "process")
    assert backend.run(circuit()).result(LONG).success
    for pid in default_workers().pids():
        psutil.Process(pid).kill()
    assert backend.run(circuit()).result(LONG).success


def test_workers_are_used_again() -> None:
    backend, other = adapted(theirs.plain, "process"), adapted(theirs.slow, "process")
    pids = {
        one.run(circuit()).result(LONG).metadata["pid"]
        for one in (backend, other, backend, other)
        for _ in range(3)
    }
    assert len(pids) == 1


def test_more_backends_than_a_worker_keeps() -> None:
    backends = [adapted(theirs.plain, "process", shots=shots) for shots in range(1, 12)]
    for backend in (*backends, *backends):
        result = backend.run(circuit()).result(LONG)
        assert result.metadata["shots"] == backend.foreign.options.shots


def test_jobs_from_many_threads_end_right() -> None:
    good, bad = adapted(theirs.failing, "process"), circuit("bad")
    ends: dict[int, JobStatus] = {}

    def work(index: int) -> None:
        job = good.run(bad if index % 4 == 3 else circuit())
        if index % 4 == 2:
            job.cancel()
        job.wait_for_final_state(LONG)
        ends[index] = job.status()

    threads = [threading.Thread(target=work, args=(index,)) for index in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(2 * LONG)
    assert len(ends) == 24
    for index, status in ends.items():
        if index % 4 == 3:
            assert status is JobStatus.ERROR
        elif index % 4 != 2:
            assert status is JobStatus.DONE
        else:
            assert status in (JobStatus.CANCELLED, JobStatus.DONE)


def test_an_error_without_a_class_here_still_says_what_it_was() -> None:
    job = adapted(theirs.raising_oddly, "process").run(circuit())
    with pytest.raises(JobError) as caught:
        job.result(LONG)
    assert "UnpicklableError" in str(caught.value.__cause__)
    assert "in raising_oddly" in str(caught.value.__cause__.__cause__)  # type: ignore[union-attr]  # it has one
