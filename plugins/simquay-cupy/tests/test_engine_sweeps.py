"""Parameter sweeps: a batch of vectors, each with programs of its own."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from gate_sweeps import BOTH, TOLERANCE, applied, check, lists, sweep_of

from simquay.engine_api import (
    Cancelled,
    Control,
    DenseEngine,
    Diagonal,
    GateSweep,
    Layout,
    Matrix,
    Precision,
    Profile,
    ProgramError,
    make_sweep_plan,
)
from simquay.testing.engines import random_unitary
from simquay_cupy import engine as engine_module
from simquay_cupy.encoding.encode import encode_sweep
from simquay_cupy.engine import CupyEngine


@BOTH
@pytest.mark.parametrize("qubits", [1, 2, 3, 5, 8, 11, 12, 13, 15])
def test_each_vector_is_the_oracles(engine: CupyEngine, precision: Precision, qubits: int) -> None:
    for seed in range(2):
        gate_lists = lists(qubits, 4 if qubits > 12 else 9, 100 * qubits + seed)
        plan = sweep_of(engine, gate_lists, qubits, precision)
        check(applied(engine, plan, qubits, precision), gate_lists, TOLERANCE[precision])


@BOTH
def test_vectors_whose_passes_take_several_launches(
    engine: CupyEngine, precision: Precision, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not all as many: their programs are not of one length."""
    gate_lists = lists(9, 6, 3, gates=60)
    # Angles that are rounding, in some of them, make shorter programs.
    for number in (1, 2, 4):
        gate_lists[number] = [
            dataclasses.replace(gate, diagonal=np.full(len(gate.diagonal), 1 + 1e-15j))
            if isinstance(gate, Diagonal)
            else gate
            for gate in gate_lists[number]
        ]
    plan = sweep_of(engine, gate_lists, 9, precision)
    counts = set()
    for limit in (3072, 4096, 6144):
        encoded = encode_sweep(plan, precision, limit)
        counts.add(sum(len(step) for step in encoded.passes if isinstance(step, tuple)))
        monkeypatch.setattr(engine_module, "encode_sweep", lambda *_, e=encoded: e)
        check(applied(engine, plan, 9, precision), gate_lists, TOLERANCE[precision])
    assert len(counts) > 1
    assert max(counts) > 6 * len(plan)


@BOTH
def test_a_cancelled_sweep_stops(engine: CupyEngine, precision: Precision) -> None:
    plan = sweep_of(engine, lists(4, 3, 1), 4, precision)
    state = engine.allocate(4, precision, capacity=4, batch=3)
    control = Control()
    control.cancel()
    with pytest.raises(Cancelled):
        engine.apply_sweep(state, plan, control)


def test_what_is_no_sweep_for_the_state_is_refused(engine: CupyEngine) -> None:
    precision = Precision.SINGLE
    plan = sweep_of(engine, lists(4, 3, 1), 4, precision)

    def state(batch: int, capacity: int = 4) -> Any:
        return engine.allocate(4, precision, capacity=capacity, batch=batch)

    with pytest.raises(ProgramError, match="a sweep of 3 vectors"):
        engine.apply_sweep(state(2), plan, Control())
    done = state(3)
    engine.apply_sweep(done, plan, Control())
    with pytest.raises(ProgramError, match="begins at layout"):
        engine.apply_sweep(done, plan, Control())
    dense = make_sweep_plan(
        GateSweep.of(lists(4, 3, 1)), Layout(), DenseEngine().profile(precision, 4)
    )
    assert dense is not None
    with pytest.raises(ProgramError, match="strategy 'tiled'"):
        engine.apply_sweep(state(3), dense, Control())
    mixed = dataclasses.replace(plan, passes=dense.passes)
    with pytest.raises(ProgramError, match="a pass for each vector"):
        engine.apply_sweep(state(3), mixed, Control())


def test_gates_wider_than_a_tile_run_one_by_one(engine: CupyEngine) -> None:
    rng = np.random.default_rng(1)
    wide = [[Matrix(random_unitary(64, rng), tuple(range(6)))] for _ in range(2)]
    assert make_sweep_plan(GateSweep.of(wide), Layout(), Profile("tiled", tile=4, low=1)) is None
