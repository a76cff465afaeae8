"""Jobs whose circuits differ in angles alone: they run in batches, and nobody can tell."""

from __future__ import annotations

import itertools
import time
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.providers import JobStatus
from qiskit.quantum_info import Statevector, random_unitary

from simquay.circuits.lowering.circuit import lower
from simquay.control import Control
from simquay.errors import OutOfMemoryError
from simquay.execution.evolution import Run
from simquay.execution.kinds import result_bytes
from simquay.execution.memory import ledger_for, required_bytes
from simquay.execution.settings import Piece
from simquay.jobs.dispatch.tasks import TaskControl
from simquay.jobs.errors import JobFailedError
from simquay.planning import SweepPlan
from simquay.program import Precision
from simquay.results import circuit_result
from simquay.simulators.engine.backend import EngineBackend
from simquay.simulators.engine.task import EngineTask
from simquay.simulators.options import default_options, resolve
from tests.support.job_doubles import LONG, until
from tests.support.sweeps import OneByOneEngine, WatchedEngine, bindings, parametrised, sweep


def backend_of(engine: Any) -> EngineBackend:
    return EngineBackend(engine, name="swept")


def plain(result: Any) -> list[dict[str, Any]]:
    """The data of each circuit, states as lists."""
    found = []
    for one in result.results:
        data = dict(one.data.to_dict())
        if "statevector" in data:
            data["statevector"] = np.asarray(data["statevector"]).tolist()
        found.append({"data": data, "seed": one.seed, "shots": one.shots, "header": one.header})
    return found


def run_both(
    circuits: list[QuantumCircuit], **options: Any
) -> tuple[WatchedEngine, list[dict[str, Any]], list[dict[str, Any]]]:
    """The engine that ran them in batches, what it gave, and what runs one by one gave."""
    engine, other = WatchedEngine(), OneByOneEngine()
    found = backend_of(engine).run(circuits, **options).result(LONG)
    expected = backend_of(other).run(circuits, **options).result(LONG)
    assert set(other.batches) == {1}
    return engine, plain(found), plain(expected)


@pytest.mark.parametrize("num_qubits", [2, 6, 11])
def test_a_sweep_gives_the_same_result_in_fewer_passes(num_qubits: int) -> None:
    circuits = sweep(num_qubits, 12, num_qubits)
    engine, found, expected = run_both(circuits, shots=500, seed_simulator=3, memory=True)
    assert found == expected
    # Batches, of all circuits together, and one trip of passes for each.
    assert min(engine.batches) > 1
    assert sum(engine.batches) == 12
    assert engine.passes == 0
    alone = OneByOneEngine()
    backend_of(alone).run(circuits, shots=1).result(LONG)
    assert engine.sweep_passes * 12 == alone.passes * len(engine.batches)


def test_statevectors_of_a_sweep_are_those_of_qiskit() -> None:
    circuits = sweep(7, 9, 1, measure=False)
    engine = WatchedEngine()
    result = backend_of(engine).run(circuits, statevector=True).result(LONG)
    assert engine.sweep_passes
    for number, circuit in enumerate(circuits):
        state = np.asarray(result.get_statevector(number))
        np.testing.assert_allclose(state, Statevector(circuit).data, atol=1e-12)


def test_frequencies_of_a_sweep_are_those_of_its_circuits() -> None:
    # 20,000 shots: an outcome off by 6 standard deviations, 0.021, has a chance below 1e-7 in all.
    circuits = sweep(3, 4, 7)
    result = backend_of(WatchedEngine()).run(circuits, shots=20_000, seed_simulator=1).result(LONG)
    for number, circuit in enumerate(circuits):
        bare = circuit.remove_final_measurements(inplace=False)
        expected = Statevector(bare).probabilities_dict()
        counts = result.get_counts(number)
        for outcome in set(counts) | set(expected):
            found = counts.get(outcome, 0) / 20_000
            assert abs(found - expected.get(outcome, 0)) < 0.022


@pytest.mark.parametrize("precision", ["single", "double"])
def test_structures_that_change_in_the_middle(precision: str) -> None:
    first, second = sweep(5, 4, 1), sweep(5, 3, 2)
    large = sweep(13, 2, 3, gates=60)
    dynamic = QuantumCircuit(2, 2)
    dynamic.h(0)
    dynamic.measure(0, 0)
    with dynamic.if_test((0, 1)):
        dynamic.x(1)
    dynamic.measure(1, 1)
    circuits = [*first, *second, first[0], *large, dynamic, dynamic, first[1], first[2]]
    engine, found, expected = run_both(circuits, seed_simulator=5, precision=precision)
    assert found == expected
    assert [batch for batch in engine.batches if batch > 1] == [4, 3, 2]


def test_the_same_seed_gives_the_same_counts_however_a_job_is_split() -> None:
    circuits = sweep(4, 7, 4)
    expected = plain(backend_of(OneByOneEngine()).run(circuits, seed_simulator=8).result(LONG))
    for options in (
        {"max_circuits_per_task": 3},
        {"max_shots_per_task": 300},
        {"max_circuits_per_task": 2, "max_shots_per_task": 1000},
    ):
        engine = WatchedEngine()
        job = backend_of(engine).run(circuits, seed_simulator=8, **options)
        assert plain(job.result(LONG)) == expected
        assert max(engine.batches) > 1
    with ThreadPoolExecutor(2) as pool:
        engine = WatchedEngine()
        job = backend_of(engine).run(
            circuits, seed_simulator=8, executor=pool, max_circuits_per_task=4
        )
        assert plain(job.result(LONG)) == expected
        assert sorted(engine.batches) == [3, 4]


def test_time_taken_is_each_circuits_own() -> None:
    circuits = sweep(8, 30, 2)
    began = time.perf_counter()
    result = backend_of(WatchedEngine()).run(circuits).result(LONG)
    passed = time.perf_counter() - began
    times = [one.time_taken for one in result.results]
    assert min(times) > 0
    assert sum(times) < passed


class Breaking(WatchedEngine):
    """Cannot apply a batch; alone, it fails at circuits that have ``bad`` as first amplitude."""

    def __init__(self, error: Exception, bad: int = -1) -> None:
        super().__init__()
        self._error = error
        self._bad = bad
        self._singles = 0

    def apply_sweep(self, state: Any, plan: SweepPlan, control: Control) -> None:
        super().apply_sweep(state, plan, control)
        control.report(1.0)
        raise self._error

    def apply(self, *arguments: Any) -> None:
        self._singles += 1
        if self._singles - 1 == self._bad:
            raise RuntimeError("this one is bad")
        super().apply(*arguments)


@pytest.mark.parametrize(
    "make_error",
    [
        lambda: RuntimeError("told to fail"),
        lambda: MemoryError("no room"),
        lambda: OutOfMemoryError("no room", needed=2, available=1),
    ],
    ids=["error", "MemoryError", "OutOfMemoryError"],
)
def test_a_batch_that_fails_runs_one_by_one(make_error: Callable[[], Exception]) -> None:
    circuits = sweep(4, 6, 3)
    engine = Breaking(make_error())
    result = backend_of(engine).run(circuits, seed_simulator=2).result(LONG)
    expected = backend_of(OneByOneEngine()).run(circuits, seed_simulator=2).result(LONG)
    assert plain(result) == plain(expected)
    assert engine.batches == [6, 1, 1, 1, 1, 1, 1]
    assert ledger_for(engine).reserved == 0


def test_one_bad_circuit_of_a_batch_fails_alone() -> None:
    circuits = sweep(4, 6, 3)
    job = backend_of(Breaking(RuntimeError("all"), bad=2)).run(circuits, seed_simulator=2)
    with pytest.raises(JobFailedError, match=r"number 2 of the job.*this one is bad") as caught:
        job.result(LONG)
    expected = backend_of(OneByOneEngine()).run(circuits, seed_simulator=2).result(LONG)
    assert caught.value.partial_result is not None
    left = [one for number, one in enumerate(plain(expected)) if number != 2]
    assert plain(caught.value.partial_result) == left


def task_of(circuits: list[QuantumCircuit], engine: Any, **options: Any) -> EngineTask:
    context, *_ = resolve(default_options(), options)
    piece = Piece(tuple(range(len(circuits))), 0, context.shots)
    return EngineTask([lower(one) for one in circuits], engine, context, piece)


def run_all(task: EngineTask) -> None:
    for _ in task.outcomes(TaskControl()):
        pass


def test_a_failure_after_some_outcomes_keeps_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has an outcome is not run again; what has none runs one by one."""
    drawn = itertools.count()
    sample = Run.sample

    def failing(*arguments: Any) -> None:
        if next(drawn) == 2:
            raise RuntimeError("told to fail")
        sample(*arguments)

    monkeypatch.setattr(Run, "sample", failing)
    engine = WatchedEngine()
    task = task_of(sweep(4, 5, 1), engine)
    assert [number for number, _, _ in task.outcomes(TaskControl())] == [0, 1, 2, 3, 4]
    assert not task.failures
    assert engine.batches == [5, 1, 1, 1]


def test_an_outcome_that_cannot_be_shown_fails_its_circuit(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*arguments: Any, **fields: Any) -> Any:
        result = circuit_result(*arguments, **fields)
        if next(count) == 1:
            raise ValueError("cannot be shown")
        return result

    count = itertools.count()
    monkeypatch.setattr("simquay.simulators.engine.work.circuit_result", failing)
    engine = WatchedEngine()
    job = backend_of(engine).run(sweep(4, 4, 1))
    with pytest.raises(JobFailedError, match=r"number 1 of the job.*cannot be shown") as caught:
        job.result(LONG)
    assert caught.value.partial_result is not None
    assert len(caught.value.partial_result.results) == 3
    assert engine.batches == [4]


def test_a_batch_that_is_refused_runs_one_by_one() -> None:
    """A gate by itself has numbers that a common plan cannot hold."""
    circuits = []
    for number in range(3):
        circuit = QuantumCircuit(9)  # so many that a plan is searched for
        circuit.h(range(9))
        circuit.unitary(random_unitary(64, seed=number), range(6))
        circuit.measure_all()
        circuits.append(circuit)
    engine, found, expected = run_both(circuits, seed_simulator=1)
    assert found == expected
    assert engine.batches == [3, 1, 1, 1]


def test_cancelling_in_the_middle_of_a_batch() -> None:
    class Slow(WatchedEngine):
        """Waits in the pass until it is cancelled."""

        def apply_sweep(self, state: Any, plan: SweepPlan, control: Control) -> None:
            control.wait(LONG)
            super().apply_sweep(state, plan, control)

    engine = Slow()
    job = backend_of(engine).run(sweep(5, 20, 1))
    assert until(lambda: bool(engine.batches))
    assert job.cancel()
    assert job.status() is JobStatus.CANCELLED
    assert until(lambda: ledger_for(engine).reserved == 0, 5.0)
    assert engine.passes == 0
    assert job.progress() < 1


def test_progress_grows_with_a_batch() -> None:
    control = TaskControl()
    task = task_of([*sweep(6, 10, 1), *sweep(3, 10, 2)], WatchedEngine())
    seen = [control.fraction for _ in task.outcomes(control)]
    assert len(seen) == 20
    assert seen == sorted(seen)
    assert seen[0] > 0
    # A circuit is done: at least as much as its place in the job.
    assert all(one >= number / 20 - 1e-9 for number, one in enumerate(seen))
    assert control.fraction == 1.0


def test_progress_never_falls_where_a_batch_fails() -> None:
    control = TaskControl()
    task = task_of(sweep(6, 10, 1), Breaking(RuntimeError("all")))
    seen = [control.fraction for _ in task.outcomes(control)]
    assert len(seen) == 10
    assert seen == sorted(seen)


@pytest.mark.parametrize("num_qubits", [2, 8, 12])
@pytest.mark.parametrize("statevector", [False, True])
def test_the_memory_of_a_sweep_is_reserved_and_bounded(num_qubits: int, statevector: bool) -> None:
    circuits = sweep(num_qubits, 200, 1)
    engine = WatchedEngine()
    options = {"shots": 100, "statevector": statevector}
    task = task_of(circuits, engine, **options)
    single = task_of(circuits[:1], engine, **options)
    assert task.needs is not None
    assert single.needs is not None
    context, *_ = resolve(default_options(), options)
    kept, _ = result_bytes(lower(circuits[0]), engine, context, context.shots, False)
    reserved = task.needs.bytes - 199 * kept  # the results of all circuits stay
    assert single.needs.bytes < reserved <= single.needs.bytes + engine.sweep_bytes
    run_all(task)  # plans, caches
    task = task_of(circuits, engine, **options)
    tracemalloc.start()
    try:
        run_all(task)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert max(engine.batches) > 1
    assert task.needs is not None
    assert peak < task.needs.bytes


def test_a_small_ceiling_makes_small_batches() -> None:
    circuits = sweep(10, 12, 1)
    engine = WatchedEngine()
    need = required_bytes(lower(circuits[0]), engine, Precision.DOUBLE)
    found = []
    for mib in (need / 2**20 + 0.06, need / 2**20 + 0.5, None):
        engine.batches.clear()
        task = task_of(circuits, engine, max_memory_mb=mib)
        assert not task.failures
        assert task.needs is not None
        assert mib is None or task.needs.bytes <= mib * 2**20
        run_all(task)
        found.append(max(engine.batches))
    assert found[0] == 1
    assert 1 < found[1] < found[2]


def test_without_the_memory_for_a_batch_circuits_run_one_by_one() -> None:
    class Narrow(WatchedEngine):
        """A device of its own, with room for single runs."""

        device = "narrow-sweeps"

        def available_bytes(self) -> int:
            return self.required_bytes(8, Precision.DOUBLE) + 1000

    circuits = sweep(8, 10, 1)
    engine = Narrow()
    result = backend_of(engine).run(circuits, seed_simulator=1).result(LONG)
    expected = backend_of(OneByOneEngine()).run(circuits, seed_simulator=1).result(LONG)
    assert plain(result) == plain(expected)
    assert engine.batches == [1] * 10


def test_a_job_whose_circuits_all_need_too_much_fails_as_before() -> None:
    circuits = bindings(parametrised(8, 20, 1), 3, 1)
    job = backend_of(WatchedEngine()).run(circuits, max_memory_mb=0.01)
    with pytest.raises(JobFailedError, match="3 of 3 circuits failed"):
        job.result(LONG)
