"""Parameter sweeps: small states run in batches."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from simquay.engine_api import (
    Change,
    Control,
    Diagonal,
    GateSweep,
    Layout,
    Matrix,
    Permutation,
    Precision,
    ReferenceEngine,
    bits_of,
    extract,
    make_sweep_plan,
)
from simquay.testing.engines import evolve, random_unitary
from simquay_numba.engine import NumbaEngine

REFERENCE = ReferenceEngine()


def test_states_of_a_few_more_qubits_than_run_as_the_numpy_engine_runs_them() -> None:
    for small, most in ((12, 14), (3, 5), (0, 2)):
        assert NumbaEngine(small=small).sweep_qubits(Precision.DOUBLE) == most


@pytest.mark.parametrize("precision", list(Precision))
def test_vectors_that_share_gate_lists_with_a_string_behind_each(precision: Precision) -> None:
    engine = NumbaEngine(tile=(6, 5), low=(4, 3), small=0, threads=2)
    qubits, rng = 8, np.random.default_rng(1)
    gates: list[Any] = [Matrix(random_unitary(2, rng), (qubit,)) for qubit in range(qubits)]
    gates += [Diagonal(np.exp(1j * rng.random(4)), (qubit, qubit + 1)) for qubit in range(5)]
    gates += [Permutation(np.array([1, 0]), (qubit,), (qubit + 1,), 1) for qubit in range(7)]
    gates += [Matrix(random_unitary(2, rng), (qubit,)) for qubit in range(qubits)]
    own = np.array([[random_unitary(2, rng).ravel() for _ in range(qubits)] for _ in range(3)])
    places = tuple(range(len(gates) - qubits, len(gates)))
    profile = replace(engine.profile(precision, qubits), direct=0, direct_sweeps=False)
    lists = np.array([2, 0, 1, 1, 2], dtype=np.int64)
    plan = make_sweep_plan(GateSweep(gates, 3, (Change(places, own),), lists), Layout(), profile)
    assert plan is not None
    assert len(plan) > 1
    x, z = [0b10010011, 0, 0b00100000], [0b01010101, 0b10000001, 0]
    order = plan.final.order
    masks = [[extract(mask, order) for mask in masks] for masks in (x, z)]
    state = engine.allocate(qubits, precision, capacity=qubits + 1, batch=5)
    engine.apply_sweep(state, replace(plan, strings=np.array(masks, dtype=np.int64)), Control())
    found = engine.amplitudes(state)
    for vector, number in zip(found, lists.tolist(), strict=True):
        listed = [*gates[: places[0]]]
        listed += [Matrix(own[number, qubit].reshape(2, 2), (qubit,)) for qubit in range(qubits)]
        listed += [Diagonal(np.array([1, -1 + 0j]), (qubit,)) for qubit in bits_of(z[number])]
        listed += [Permutation(np.array([1, 0]), (qubit,)) for qubit in bits_of(x[number])]
        want = REFERENCE.amplitudes(evolve(REFERENCE, listed, qubits))[0]
        assert abs(np.vdot(vector, want)) == pytest.approx(1, abs=1e-5)
        if precision is Precision.DOUBLE:
            assert abs(np.vdot(vector, want)) == pytest.approx(1, abs=1e-12)
