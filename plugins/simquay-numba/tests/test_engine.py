"""The engine against the reference engine."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from stored_vectors import TINY, TOLERANCE, random_vectors

from simquay.engine_api import (
    ComplexArray,
    Control,
    Diagonal,
    GateOperation,
    Layout,
    Matrix,
    Permutation,
    Plan,
    Precision,
    Prepare,
    Profile,
    ProgramError,
    ReferenceEngine,
    TilePass,
    WidePass,
    make_plan,
)
from simquay.testing.engines import evolve, random_gates, random_unitary
from simquay_numba.engine import NumbaEngine
from simquay_numba.kernels.vectors import lane_count
from simquay_numba.runtime import threads as threads_module

BOTH = pytest.mark.parametrize("precision", list(Precision))


USUAL = NumbaEngine()


REFERENCE = ReferenceEngine()


def expected(gates: list[GateOperation], num_qubits: int) -> ComplexArray:
    return REFERENCE.amplitudes(evolve(REFERENCE, gates, num_qubits))


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
    vectors = random_vectors(rng, 2, len(stored))
    state = TINY.allocate(num_qubits, precision, capacity=num_qubits, batch=2)
    state.buffer[...] = np.nan
    state.buffer[:, : 1 << len(stored)] = vectors
    state.layout = plan.initial
    TINY.apply(state, plan, Control())
    assert state.layout == plan.final
    start = Prepare if stored else Diagonal  # a factor, where nothing is stored
    want = [expected([start(vector, tuple(stored)), *gates], num_qubits)[0] for vector in vectors]
    found = TINY.amplitudes(state)
    np.testing.assert_allclose(found, want, atol=TOLERANCE[precision])


@BOTH
def test_sixteen_qubits_in_usual_tiles(precision: Precision) -> None:
    gates = random_gates(16, 150, 5)
    assert USUAL.profile(precision, 16).strategy == "tiled"
    found = USUAL.amplitudes(evolve(USUAL, gates, 16, precision))
    np.testing.assert_allclose(found, expected(gates, 16), atol=TOLERANCE[precision])


@BOTH
def test_passes_that_write_past_the_caches(
    precision: Precision, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every pass that enlarges the state streams, beside a run in which none does."""
    gates = random_gates(12, 80, 7)
    found = []
    for least in (0, 1 << 60):
        monkeypatch.setattr(threads_module, "_STREAMED_BYTES", least)
        state = TINY.allocate(12, precision, capacity=12, batch=3)
        state.buffer[:, 0] = (1, 0.5, -1)
        # Without a cache the plan is searched for at once.
        plan = make_plan(gates, state.layout, TINY.profile(precision, 12), None)
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
    for engine in (TINY, USUAL):
        found = engine.amplitudes(evolve(engine, gates, num_qubits, precision))
        want = np.zeros((1, 1 << num_qubits), dtype=complex)
        want[0, -1] = 1j ** (1 + num_qubits)
        np.testing.assert_allclose(found, want, atol=TOLERANCE[precision])


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
    np.testing.assert_allclose(
        TINY.amplitudes(state), expected(gates, 8), atol=TOLERANCE[precision]
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
