"""The engine against the reference engine, the NumPy engine and naive simulation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simquay.control import Control
from simquay.engines.numpy.engine import DenseEngine
from simquay.engines.numpy.state import ComplexArray
from simquay.engines.reference import ReferenceEngine
from simquay.errors import ProgramError
from simquay.execution.run import run_program
from simquay.execution.settings import Outcome, RunContext
from simquay.planning import Layout, Plan, Profile, make_plan
from simquay.planning.tiled.passes import TilePass, WidePass
from simquay.program import Diagonal, Matrix, Permutation, Precision, Program
from simquay.program.operations import GateOperation
from simquay_numba.engine import NumbaEngine
from simquay_numba.kernels.vectors import lane_count
from simquay_numba.runtime import threads as threads_module
from tests.support.batch_states import check_many_vectors
from tests.support.gate_lists import random_gates, random_unitary
from tests.support.random_programs import (
    dynamic_programs,
    random_dynamic_program,
    random_unitary_program,
    unitary_programs,
)
from tests.support.random_programs import random_gates as random_program_gates
from tests.support.tiled_runs import check_invariants, expected, random_vectors, spread

TOLERANCE = {Precision.DOUBLE: 1e-12, Precision.SINGLE: 1e-5}


BOTH = pytest.mark.parametrize("precision", list(Precision))


TINY = NumbaEngine(tile=(6, 5), low=(4, 3), small=0, threads=2)
"""Tiles as small as can be, for every state: many tiles, many passes."""


USUAL = NumbaEngine()


def run(program: Program, engine: Any, **options: Any) -> Outcome:
    return run_program(program, engine, RunContext(**options), Control())


def amplitudes(program: Program, engine: Any, **options: Any) -> ComplexArray:
    wanted = {"statevector": True}
    state: ComplexArray = run(program, engine, shots=1, wanted=wanted, **options)["statevector"]
    return state


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
    want = amplitudes(program, ReferenceEngine())
    found = amplitudes(program, TINY, precision=precision)
    assert found.dtype == precision.complex_dtype
    np.testing.assert_allclose(found, want, atol=TOLERANCE[precision])


@settings(max_examples=60, deadline=None)
@given(program=dynamic_programs(max_qubits=6, max_operations=20), seed=st.integers(0, 99))
def test_dynamic_programs_give_the_samples_of_the_reference(program: Program, seed: int) -> None:
    want = run(program, ReferenceEngine(), shots=200, seed=seed)
    found = run(program, TINY, shots=200, seed=seed)
    np.testing.assert_array_equal(found["samples"], want["samples"])
    assert found.metadata["branches"] == want.metadata["branches"]


@pytest.mark.parametrize("seed", range(10))
def test_long_dynamic_programs(seed: int) -> None:
    program = random_dynamic_program(9, 60, seed, num_clbits=70)
    want = run(program, ReferenceEngine(), shots=200, seed=seed)
    np.testing.assert_array_equal(
        run(program, TINY, shots=200, seed=seed)["samples"], want["samples"]
    )


@pytest.mark.parametrize("seed", range(10))
def test_branches_in_batches_are_those_one_by_one(seed: int) -> None:
    program = random_dynamic_program(6, 50, seed)
    for engine, shots in ((TINY, 300), (USUAL, 100)):
        alone = run(program, engine, shots=shots, seed=seed, branches_together=1)
        for together in (5, None):
            found = run(program, engine, shots=shots, seed=seed, branches_together=together)
            np.testing.assert_array_equal(found["samples"], alone["samples"])


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
    np.testing.assert_array_equal(found["samples"], want["samples"])


@BOTH
def test_sixteen_qubits_in_usual_tiles(precision: Precision) -> None:
    program = random_unitary_program(16, 150, 5)
    assert run(program, USUAL, shots=1, precision=precision).metadata["strategy"] == "tiled"
    found = amplitudes(program, USUAL, precision=precision)
    want = amplitudes(program, DenseEngine())
    np.testing.assert_allclose(found, want, atol=TOLERANCE[precision])


@BOTH
def test_passes_that_write_past_the_caches(
    precision: Precision, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every pass that enlarges the state streams, beside a run in which none does."""
    gates = random_program_gates(12, 80, 7)
    found = []
    for least in (0, 1 << 60):
        monkeypatch.setattr(threads_module, "_STREAMED_BYTES", least)
        state = TINY.allocate(12, precision, capacity=12, batch=3)
        state.buffer[:, 0] = (1, 0.5, -1)
        plan = make_plan(gates, state.layout, TINY.profile(precision, 12))
        passes = [pass_ for pass_ in plan.passes if isinstance(pass_, TilePass)]
        assert sum(pass_.before < pass_.width for pass_ in passes) > 1
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
        state = amplitudes(program, engine, precision=precision)
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
