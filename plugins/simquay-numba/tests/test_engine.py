"""The engine against the reference engine, the NumPy engine and naive simulation."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simquay.control import Control
from simquay.engines import threads as dense_threads
from simquay.engines.numpy.engine import DenseEngine
from simquay.engines.reference import ReferenceEngine
from simquay.errors import Cancelled, ProgramError
from simquay.execution.run import run_program
from simquay.execution.settings import Outcome, RunSettings
from simquay.planning import Layout, Plan, Profile, make_plan
from simquay.planning.tiled.passes import WidePass
from simquay.program import Diagonal, Matrix, Permutation, Precision, Program
from simquay.program.operations import GateOperation
from simquay_numba import engine as engine_module
from simquay_numba.engine import NumbaEngine
from simquay_numba.kernels.compiling import compiled
from simquay_numba.kernels.run import run_tiles
from simquay_numba.kernels.vectors import lane_count
from simquay_numba.runtime import threads as crew_module
from tests.support.batch_states import check_many_vectors
from tests.support.gate_lists import random_gates, random_unitary
from tests.support.random_programs import (
    dynamic_programs,
    random_dynamic_program,
    random_unitary_program,
    unitary_programs,
)
from tests.support.tiled_runs import check_invariants, expected, random_vectors, spread

TOLERANCE = {Precision.DOUBLE: 1e-12, Precision.SINGLE: 1e-5}
BOTH = pytest.mark.parametrize("precision", list(Precision))

TINY = NumbaEngine(tile=(6, 5), low=(4, 3), small=0, threads=2)
"""Tiles as small as can be, for every state: many tiles, many passes."""

USUAL = NumbaEngine()


def run(program: Program, engine: Any, **options: Any) -> Outcome:
    return run_program(program, engine, RunSettings(**options), Control())


@BOTH
@pytest.mark.parametrize("seed", range(40))
def test_random_gates_on_any_stored_qubits(precision: Precision, seed: int) -> None:
    rng = np.random.default_rng(seed)
    num_qubits = int(rng.integers(1, 13))
    low = lane_count(precision.real_dtype.itemsize)
    profile = Profile("tiled", tile=low + int(rng.integers(1, 6)), low=low)
    fresh = bool(rng.integers(0, 2))
    stored = [] if fresh else rng.permutation(num_qubits)[: rng.integers(1, 13)].tolist()
    gates = random_gates(num_qubits, int(rng.integers(0, 60)), rng, widest=5, prepare=fresh)
    plan = make_plan(gates, Layout(tuple(stored)), profile)
    check_invariants(plan)
    vectors = random_vectors(rng, 2, len(stored))
    state = TINY.allocate(num_qubits, precision, capacity=num_qubits, batch=2)
    state.buffer[...] = np.nan
    state.buffer[:, : 1 << len(stored)] = vectors
    state.layout = plan.initial
    TINY.apply(state, plan, Control())
    assert state.layout == plan.final
    found = spread(state.vector, plan.final.order, num_qubits)
    want = expected(gates, spread(vectors, stored, num_qubits))
    np.testing.assert_allclose(found, want, atol=TOLERANCE[precision])


@settings(max_examples=60, deadline=None)
@given(program=unitary_programs(max_qubits=8, max_gates=30), precision=st.sampled_from(Precision))
def test_states(program: Program, precision: Precision) -> None:
    want = run(program, ReferenceEngine(), shots=1, statevector=True).statevector
    outcome = run(program, TINY, shots=1, statevector=True, precision=precision)
    assert outcome.statevector is not None
    assert outcome.statevector.dtype == precision.complex_dtype
    np.testing.assert_allclose(outcome.statevector, want, atol=TOLERANCE[precision])


@settings(max_examples=60, deadline=None)
@given(program=dynamic_programs(max_qubits=6, max_operations=20), seed=st.integers(0, 99))
def test_dynamic_programs_give_the_samples_of_the_reference(program: Program, seed: int) -> None:
    want = run(program, ReferenceEngine(), shots=200, seed=seed)
    found = run(program, TINY, shots=200, seed=seed)
    np.testing.assert_array_equal(found.samples, want.samples)
    assert found.metadata["branches"] == want.metadata["branches"]


@pytest.mark.parametrize("seed", range(10))
def test_long_dynamic_programs(seed: int) -> None:
    program = random_dynamic_program(9, 60, seed, num_clbits=70)
    want = run(program, ReferenceEngine(), shots=200, seed=seed)
    np.testing.assert_array_equal(run(program, TINY, shots=200, seed=seed).samples, want.samples)


@pytest.mark.parametrize("seed", range(10))
def test_branches_in_batches_are_those_one_by_one(seed: int) -> None:
    program = random_dynamic_program(6, 50, seed)
    for engine, shots in ((TINY, 300), (USUAL, 100)):
        alone = run(program, engine, shots=shots, seed=seed, branches_together=1)
        for together in (5, None):
            found = run(program, engine, shots=shots, seed=seed, branches_together=together)
            np.testing.assert_array_equal(found.samples, alone.samples)


@pytest.mark.parametrize("precision", list(Precision), ids=lambda p: p.value)
@pytest.mark.parametrize("num_qubits", [4, 9, 11, 13])
def test_each_vector_of_many_is_what_it_is_alone(num_qubits: int, precision: Precision) -> None:
    for seed in range(3):
        for engine in (TINY, USUAL):
            check_many_vectors(engine, num_qubits, precision, seed)


@pytest.mark.parametrize("num_qubits", [3, 10, 14, 17])
def test_the_same_seed_gives_the_counts_of_numpy(num_qubits: int) -> None:
    # 5,000 draws, each within 1e-13 of a boundary between outcomes: chance below 1e-7 in all.
    program = random_unitary_program(num_qubits, 60, num_qubits, measure=True)
    want = run(program, DenseEngine(), shots=5_000, seed=3)
    found = run(program, USUAL, shots=5_000, seed=3)
    np.testing.assert_array_equal(found.samples, want.samples)


@BOTH
def test_sixteen_qubits_in_usual_tiles(precision: Precision) -> None:
    program = random_unitary_program(16, 150, 5)
    want = run(program, DenseEngine(), shots=1, statevector=True).statevector
    found = run(program, USUAL, shots=1, statevector=True, precision=precision)
    assert found.metadata["strategy"] == "tiled"
    np.testing.assert_allclose(found.statevector, want, atol=TOLERANCE[precision])


@BOTH
def test_passes_that_write_past_the_caches(
    precision: Precision, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every pass that enlarges the state streams, beside a run in which none does."""
    program = random_unitary_program(12, 80, 7)
    found = []
    for least in (0, 1 << 60):
        monkeypatch.setattr(crew_module, "_STREAMED", least)
        state = TINY.allocate(12, precision, capacity=12, batch=3)
        state.buffer[:, 0] = (1, 0.5, -1)
        plan = make_plan(program.operations, state.layout, TINY.profile(precision, 12))
        passes: list[Any] = plan.passes
        assert sum(one.before < one.width for one in passes) > 1
        TINY.apply(state, plan, Control())
        found.append(TINY.amplitudes(state))
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_allclose(np.linalg.norm(found[0], axis=1), (1, 0.5, 1), rtol=1e-5)


@BOTH
@pytest.mark.parametrize("num_qubits", [0, 1, 2])
def test_few_qubits(precision: Precision, num_qubits: int) -> None:
    gates: list[GateOperation] = [Diagonal(np.array([1j]), ())]
    gates += [Matrix(np.array([[0, 1], [1j, 0]]), (q,)) for q in range(num_qubits)]
    program = Program(num_qubits, 0, tuple(gates))
    for engine in (TINY, USUAL):
        state = run(program, engine, shots=1, statevector=True, precision=precision).statevector
        want = np.zeros(1 << num_qubits, dtype=complex)
        want[-1] = 1j ** (1 + num_qubits)
        np.testing.assert_allclose(state, want, atol=TOLERANCE[precision])


@BOTH
@pytest.mark.parametrize("kind", ["matrix", "permutation"])
def test_gates_wider_than_a_tile(precision: Precision, kind: str) -> None:
    rng = np.random.default_rng(1)
    qubits = (3, 0, 5, 2, 4, 7, 6)
    before = [Matrix(random_unitary(2, rng), (qubit,)) for qubit in range(8)]
    if kind == "matrix":
        wide: GateOperation = Matrix(random_unitary(128, rng), qubits)
    else:
        wide = Permutation(rng.permutation(64), qubits[:6], (1, 6), 0b01)
    gates = [*before, wide, *random_gates(8, 10, rng, prepare=False)]
    profile = Profile("tiled", tile=5, low=4 if precision is Precision.SINGLE else 3)
    plan = make_plan(gates, Layout(), profile)
    assert any(isinstance(pass_, WidePass) for pass_ in plan.passes)
    state = TINY.allocate(8, precision, capacity=8)
    TINY.apply(state, plan, Control())
    found = spread(state.vector, plan.final.order, 8)
    one = np.ones((1, 1), dtype=complex)
    np.testing.assert_allclose(
        found, expected(gates, spread(one, [], 8)), atol=TOLERANCE[precision]
    )


@BOTH
def test_reads_and_collapse_after_a_tiled_plan(precision: Precision) -> None:
    program = random_unitary_program(14, 80, 2)
    tolerance = TOLERANCE[precision]
    states = []
    engines: list[Any] = [USUAL, ReferenceEngine()]
    for engine in engines:
        state = engine.allocate(14, precision, capacity=14)
        plan = make_plan(program.operations, state.layout, engine.profile(precision, 14))
        engine.apply(state, plan, Control())
        states.append((engine, state))
    (numba, mine), (reference, other) = states
    for qubits, given_ in (
        ((0, 5, 13), {}),
        ((2,), {3: 1, 9: 0}),
        (tuple(range(14)), {}),
        ((), {1: 1}),
    ):
        np.testing.assert_allclose(
            numba.probabilities(mine, qubits, given_),
            reference.probabilities(other, qubits, given_),
            atol=tolerance,
        )
    paulis = ["XYZI" + "I" * 10, "Z" * 14, "I" * 14, "I" * 10 + "YXZX"]
    np.testing.assert_allclose(
        numba.expectation(mine, paulis), reference.expectation(other, paulis), atol=tolerance
    )
    probability = float(numba.probabilities(mine, (), {4: 1, 11: 0})[0, 0])
    for engine, state in states:
        engine.collapse(state, {4: 1, 11: 0}, probability)
        engine.flip(state, [4, 2])
    np.testing.assert_allclose(numba.amplitudes(mine), reference.amplitudes(other), atol=tolerance)


@BOTH
@pytest.mark.parametrize("num_qubits", [10, 18])
def test_reads_of_batches_in_any_storage_order(precision: Precision, num_qubits: int) -> None:
    rng = np.random.default_rng(num_qubits)
    dense = DenseEngine(threads=2)
    stored = rng.permutation(num_qubits)[: num_qubits - 1].tolist()
    vectors = random_vectors(rng, 2, len(stored)).astype(precision.complex_dtype)
    states = []
    for engine in (TINY, USUAL, dense):
        state = engine.allocate(num_qubits, precision, capacity=num_qubits, batch=2)
        state.layout = Layout(tuple(stored))
        state.vector[...] = vectors
        states.append((engine, engine.copy(state)))
        engine.release(state)
    tolerance = 1e-12 if precision is Precision.DOUBLE else 1e-6
    asked = rng.permutation(num_qubits).tolist()
    for count in (0, 1, 3, 9):
        given_ = dict.fromkeys(asked[count : count + 2], 0)
        want = dense.probabilities(states[2][1], asked[:count], given_)
        for engine, state in states[:2]:
            found = engine.probabilities(state, asked[:count], given_)
            np.testing.assert_allclose(found, want, atol=tolerance)
    paulis = ["".join(rng.choice(list("IXYZ"), num_qubits)) for _ in range(3)]
    paulis.append("".join("Z" if qubit in stored else "I" for qubit in reversed(range(num_qubits))))
    for engine, state in states[:2]:
        np.testing.assert_allclose(
            engine.expectation(state, paulis),
            dense.expectation(states[2][1], paulis),
            atol=tolerance,
        )
    outcome = {stored[0]: 1, stored[3]: 0}
    for engine, state in states:
        engine.collapse(state, outcome, 0.25)
        engine.flip(state, [stored[0], stored[5]])
    for engine, state in states[:2]:
        np.testing.assert_allclose(
            engine.amplitudes(state), dense.amplitudes(states[2][1]), atol=tolerance
        )


def test_a_run_is_cancelled_between_tiles() -> None:
    # One pass over 2**20 amplitudes with thousands of stages takes seconds, and stops long before.
    rng = np.random.default_rng(0)
    pairs = ((0, 9), (9, 1), (1, 10), (10, 0))  # no two neighbours fuse
    gates = [Matrix(random_unitary(4, rng), pairs[step % 4]) for step in range(5_000)]
    engine = NumbaEngine(threads=2)
    state = engine.allocate(20, Precision.DOUBLE, capacity=20)
    state.layout = Layout(tuple(range(20)))
    state.vector[...] = 0
    plan = make_plan(gates, state.layout, engine.profile(Precision.DOUBLE, 20), None)
    assert len(plan) == 1
    control = Control()

    def cancel_in_mid_run() -> None:
        while not control.fraction:
            time.sleep(0.001)
        control.cancel()

    watcher = threading.Thread(target=cancel_in_mid_run)
    watcher.start()
    with pytest.raises(Cancelled):
        engine.apply(state, plan, control)
    watcher.join()
    assert 0 < control.fraction < 1


def test_two_runs_at_once() -> None:
    program = random_unitary_program(17, 100, 1, measure=True)
    want = run(program, USUAL, shots=500, seed=1).samples
    found: list[np.ndarray] = []
    threads = [
        threading.Thread(
            target=lambda: found.append(run(program, USUAL, shots=500, seed=1).samples)
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    for samples in found:
        np.testing.assert_array_equal(samples, want)


def test_two_runs_at_once_keep_the_thread_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels count who is inside them: with a budget of two, never more than two threads."""
    monkeypatch.setattr(dense_threads, "_pool", dense_threads._Pool(2))
    lock = threading.Lock()
    inside: set[int] = set()
    most: list[int] = []
    users: set[int] = set()
    met = threading.Event()

    def counted(*arguments: Any) -> None:
        me = threading.get_ident()
        with lock:
            inside.add(me)
            users.add(me)
            most.append(len(inside))
            if len(inside) > 1:
                met.set()
        try:
            run_tiles(*arguments)
            if arguments[-1]:  # this portion announced a pass: wait for who comes
                assert met.wait(60)
        finally:
            with lock:
                inside.discard(me)

    def counting(dtype: np.dtype[Any]) -> Any:
        compiled(dtype)
        return counted

    monkeypatch.setattr(engine_module, "compiled", counting)
    engine = NumbaEngine(threads=2)
    program = random_unitary_program(18, 150, 1)
    control = Control()
    settings = RunSettings(shots=1)
    run_program(program, engine, settings, control)
    assert max(most) == 2  # alone, a run uses both
    most.clear()
    users.clear()
    threads = [
        threading.Thread(target=run_program, args=(program, engine, settings, control))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert max(most) <= 2
    assert len(users) >= 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
# Python 3.12 and later warn of a fork beside other threads: the engine's, which the test is about.
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_after_a_run_can_run_again() -> None:
    program = random_unitary_program(16, 60, 1, measure=True)
    want = run(program, USUAL, shots=100, seed=1).samples
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if np.array_equal(run(program, USUAL, shots=100, seed=1).samples, want) else 2
        finally:
            os._exit(code)
    deadline = time.monotonic() + 60
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            break
        assert time.monotonic() < deadline, "the child hangs"
        time.sleep(0.05)
    assert os.waitstatus_to_exitcode(status) == 0
    np.testing.assert_array_equal(run(program, USUAL, shots=100, seed=1).samples, want)


def test_plans_that_do_not_fit_are_refused() -> None:
    gates = [Matrix(np.eye(2, dtype=complex)[::-1].copy(), (q,)) for q in range(14)]
    plan = make_plan(gates, Layout(), USUAL.profile(Precision.DOUBLE, 14))
    state = USUAL.allocate(14, Precision.DOUBLE, capacity=2)
    with pytest.raises(ProgramError, match="allocated for 2"):
        USUAL.apply(state, plan, Control())
    state.layout = Layout((3,))
    with pytest.raises(ProgramError, match="layout"):
        USUAL.apply(state, plan, Control())
    passes: list[Any] = [object()]
    odd = Plan(plan.profile, Layout((3,)), Layout((3,)), passes)
    with pytest.raises(ProgramError, match="no pass of a tiled plan"):
        USUAL.apply(state, odd, Control())
