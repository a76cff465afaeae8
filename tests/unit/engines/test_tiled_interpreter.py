"""Tiled plans compute what their programs say: planner and interpreter together.

The judge is ``gate_lists.apply_naively``, which works on whole vectors by index arithmetic. Runs
are exact up to rounding, so there is no false alarm to state.
"""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simquay.engines import tiled_interpreter
from simquay.engines.tiled_interpreter import apply_wide
from simquay.planning import Layout, Profile, make_plan
from simquay.planning.tiled.passes import WidePass
from simquay.program import Diagonal, GateOperation, Matrix, Permutation, Prepare, Relabel
from tests.support.gate_lists import random_gates
from tests.support.random_programs import gate_lists
from tests.support.tiled_runs import check_invariants, expected, random_vectors, run_plan, spread


def compare(gates, stored, num_qubits, profile, seed=0, batch=2):
    plan = make_plan(gates, Layout(tuple(stored)), profile)
    check_invariants(plan)
    vectors = random_vectors(np.random.default_rng(seed), batch, len(stored))
    want = expected(gates, spread(vectors, stored, num_qubits))
    np.testing.assert_allclose(run_plan(plan, vectors, num_qubits), want, atol=1e-12)
    return plan


@pytest.mark.parametrize("seed", range(200))
def test_random_gates_on_any_stored_qubits(seed):
    rng = np.random.default_rng(seed)
    num_qubits = int(rng.integers(1, 9))
    tile = int(rng.integers(1, 7))
    profile = Profile(
        "tiled",
        tile=tile,
        low=int(rng.integers(0, min(tile, 3))),
        span=int(rng.integers(0, 4)),
        search=int(rng.integers(0, 4)),
    )
    # Qubits that are stored already cannot be prepared: only the wholly fresh state takes those.
    fresh = bool(rng.integers(0, 2))
    stored = [] if fresh else rng.permutation(num_qubits)[: rng.integers(1, 9)].tolist()
    count = int(rng.integers(0, 40))
    gates = random_gates(num_qubits, count, rng, widest=5, prepare=fresh)
    compare(gates, stored, num_qubits, profile, seed)


HADAMARD = np.array([[1, 1], [1, -1]], dtype=np.complex128) * 0.5**0.5
NOT = np.array([1, 0], dtype=np.intp)


def rotation_x(angle):
    c, s = np.cos(angle / 2), np.sin(angle / 2)
    return np.array([[c, -1j * s], [-1j * s, c]])


def rotation_y(angle):
    c, s = np.cos(angle / 2), np.sin(angle / 2)
    return np.array([[c, -s], [s, c]], dtype=np.complex128)


def common_gates(num_qubits, count, rng):
    """Gates that fusion knows to merge, cancel, or keep apart, often on the same pairs."""
    gates = []
    for _ in range(count):
        a, b = rng.permutation(max(num_qubits, 2))[:2].tolist()
        if num_qubits == 1:
            a = 0
        angle = float(rng.normal())
        one = [
            Matrix(HADAMARD, (a,)),
            Permutation(NOT, (a,)),
            Diagonal(np.array([1, rng.choice([1j, -1, np.exp(0.3j)])]), (a,)),
            Matrix(rotation_x(angle), (a,)),
            Matrix(rotation_y(angle), (a,)),
            Matrix(rotation_x(angle) @ rotation_y(0.4), (a,)),
            Matrix(np.diag([1, np.exp(1j * angle)]), (a,)),
        ]
        control = int(rng.integers(0, 2))
        two = [
            Permutation(NOT, (a,), (b,), control),
            Permutation(NOT, (b,), (a,), control),
            Diagonal(np.array([1, -1]), (a,), (b,), 1),
            Diagonal(np.exp(1j * angle * np.array([1, -1, -1, 1])), (a, b)),
            Relabel((a, b), (b, a)),
            Permutation(np.array([0, 2, 1, 3]), (a, b)),
            Matrix(rotation_x(angle), (a,), (b,), control),
            Matrix(HADAMARD, (a,), (b,), control),
        ]
        choices = one if num_qubits == 1 or rng.random() < 0.4 else two
        gates.append(choices[int(rng.integers(0, len(choices)))])
    return gates


@pytest.mark.parametrize("seed", range(150))
def test_common_gates(seed):
    rng = np.random.default_rng(1000 + seed)
    num_qubits = int(rng.integers(1, 6))
    tile = int(rng.integers(1, 6))
    profile = Profile("tiled", tile=tile, low=int(rng.integers(0, min(tile, 3))), span=2)
    stored = rng.permutation(num_qubits)[: rng.integers(0, num_qubits + 1)].tolist()
    gates = common_gates(num_qubits, int(rng.integers(1, 90)), rng)
    compare(gates, stored, num_qubits, profile, seed)


@given(gate_lists(max_qubits=6, max_gates=25), st.integers(1, 5), st.integers(0, 2))
@settings(max_examples=150, deadline=None, derandomize=True)
def test_every_kind_of_gate(program, tile, low):
    num_qubits, gates = program
    profile = Profile("tiled", tile=tile, low=min(low, tile - 1), span=3)
    compare(gates, [], num_qubits, profile)


@pytest.mark.parametrize(("tile", "low"), [(3, 0), (4, 1), (5, 2)])
def test_whole_matrices(tile, low):
    rng = np.random.default_rng(tile)
    num_qubits = 7
    gates = random_gates(num_qubits, 60, rng, prepare=False)
    plan = make_plan(gates, Layout(tuple(range(7))), Profile("tiled", tile=tile, low=low))
    basis = np.eye(1 << num_qubits, dtype=np.complex128)
    want = expected(gates, basis)
    np.testing.assert_allclose(run_plan(plan, basis, num_qubits), want, atol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_sixteen_qubits_at_sampled_amplitudes(seed):
    rng = np.random.default_rng(seed)
    gates = random_gates(16, 150, rng)
    plan = make_plan(gates, Layout(), Profile("tiled", tile=8, low=3, span=3))
    check_invariants(plan)
    one = np.ones((1, 1), dtype=np.complex128)
    sampled = rng.integers(0, 1 << 16, size=1000)
    got = run_plan(plan, one, 16)[0, sampled]
    want = expected(gates, spread(one, [], 16))[0, sampled]
    np.testing.assert_allclose(got, want, atol=1e-12)


NARROW = Profile("tiled", tile=3, low=1, span=2)


@pytest.mark.parametrize("stored", [[], [5, 2, 0, 4, 1, 3]])
@pytest.mark.parametrize("kind", ["matrix", "permutation", "controlled"])
@pytest.mark.parametrize("together", [19, 0])
def test_gates_wider_than_a_tile(kind, stored, together, monkeypatch):
    monkeypatch.setattr(tiled_interpreter, "WIDE_BITS", together)  # 0: each part of the state alone
    rng = np.random.default_rng(1)
    qubits = (3, 0, 5, 2, 4)
    before = random_gates(6, 10, rng, prepare=False)
    after = random_gates(6, 10, rng, prepare=False)
    wide: GateOperation
    if kind == "matrix":
        wide = Matrix(np.linalg.qr(rng.normal(size=(32, 32)))[0].astype(complex), qubits)
    elif kind == "permutation":
        wide = Permutation(rng.permutation(32), qubits)
    else:
        wide = Permutation(rng.permutation(16), qubits[:4], (1, 4), 0b01)
    compare([*before, wide, *after], stored, 6, NARROW)


def test_a_wide_pass_takes_no_copy_of_the_state(monkeypatch):
    monkeypatch.setattr(tiled_interpreter, "WIDE_BITS", 10)
    rng = np.random.default_rng(5)
    for gate in (
        Permutation(rng.permutation(16), (17, 3, 9, 0), (5,), 1),
        Matrix(random_vectors(rng, 16, 4), (17, 3, 9, 0)),
        Prepare(random_vectors(rng, 1, 4)[0], (17, 16, 15, 14)),
    ):
        before = 14 if isinstance(gate, Prepare) else 18
        state = random_vectors(rng, 1, 18)
        tracemalloc.start()
        apply_wide(state, WidePass(before, 18, gate), np)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < state.nbytes / 8


@pytest.mark.parametrize("together", [19, 0])
def test_a_state_wider_than_a_tile_is_prepared(together, monkeypatch):
    monkeypatch.setattr(tiled_interpreter, "WIDE_BITS", together)
    rng = np.random.default_rng(2)
    amplitudes = random_vectors(rng, 1, 5)[0]
    gates = [
        *random_gates(2, 5, rng, prepare=False),
        Prepare(amplitudes, (6, 2, 4, 3, 5)),
        *random_gates(7, 10, rng, prepare=False),
    ]
    compare(gates, [], 7, NARROW)
    compare(gates[5:], [1], 7, NARROW)


def test_wide_diagonals_and_controls_need_no_tile():
    rng = np.random.default_rng(3)
    phases = np.exp(2j * np.pi * rng.random(1 << 7))
    gates = [
        Diagonal(phases, (6, 0, 3, 1, 5, 2, 4)),
        Diagonal(np.array([1, 1j]), (4,), (7, 6, 5, 3, 2, 1, 0), 0b1011001),
        Matrix(np.array([[0, 1j], [1, 0]]), (2,), (7, 6, 5, 4, 3, 1, 0), 0b0110110),
        Diagonal(np.array([-1]), (), (7, 6, 5, 4, 3, 2, 1), 0b1110110),
    ]
    plan = compare(gates, list(range(8)), 8, NARROW)
    assert len(plan) == 1


def test_a_phase_alone_on_a_state_without_qubits():
    compare([Diagonal(np.array([1j]), ())], [], 2, NARROW)


def test_gates_that_cancel_store_no_qubit():
    not_ = Permutation(np.array([1, 0]), (3,))
    turn = Diagonal(np.array([1, 1j]), (3,))
    hadamard = Matrix(np.array([[1, 1], [1, -1]]) * 0.5**0.5, (0,))
    plan = compare([not_, not_, turn, hadamard], [], 4, NARROW)
    assert plan.final.order == (0,)


def test_diagonals_and_controls_on_qubits_not_stored_store_none():
    gates = [
        Diagonal(np.exp(1j * np.arange(4)), (0, 1)),
        Permutation(np.array([1, 0]), (2,), (1,), 0),
        Permutation(np.array([1, 0]), (0,), (1,), 1),
    ]
    plan = compare(gates, [], 3, NARROW)
    assert plan.final.order == (2,)
