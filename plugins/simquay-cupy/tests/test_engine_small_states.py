"""States of up to 12 qubits: whatever the circuit, one launch."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evolution import BOTH, REFERENCE, TOLERANCE, oracle
from host_device import HostDevice

from simquay.engine_api import Control, GateOperation, Layout, Precision, make_plan
from simquay.testing.engines import random_gates
from simquay_cupy.encoding.encode import encode_plan
from simquay_cupy.encoding.programs import PROGRAM_BYTES
from simquay_cupy.engine import CupyEngine

CHECKOUT = Path(__file__).resolve().parents[3]


@pytest.fixture
def engine(make_host_engine: Callable[[], CupyEngine]) -> CupyEngine:
    """On the host, where launches are counted."""
    return make_host_engine()


@pytest.fixture
def families(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    if not (CHECKOUT / "benchmarks/circuits.py").exists():
        pytest.skip("this is no checkout: the families are with the benchmarks")
    monkeypatch.syspath_prepend(str(CHECKOUT))
    found: dict[str, Any] = importlib.import_module("benchmarks.circuits").FAMILIES
    return found


def check(
    engine: CupyEngine,
    gates: Sequence[GateOperation],
    qubits: int,
    precision: Precision,
    batch: int = 1,
) -> int:
    """Every vector of a batch is right; how many launches that took."""
    assert isinstance(engine.on, HostDevice)
    state = engine.allocate(qubits, precision, capacity=qubits, batch=batch)
    plan = make_plan(gates, Layout(), engine.profile(precision, qubits))
    engine.on.launches.clear()
    engine.apply(state, plan, Control())
    launches = len(engine.on.launches)
    found = engine.amplitudes(state)
    assert found.shape == (batch, 1 << qubits)
    assert np.abs(found - REFERENCE.amplitudes(oracle(gates, qubits))).max() < TOLERANCE[precision]
    return launches


@BOTH
@pytest.mark.parametrize("qubits", range(1, 13))
def test_every_family_is_one_launch(
    engine: CupyEngine, families: dict[str, Any], precision: Precision, qubits: int
) -> None:
    for name, make in families.items():
        if name != "qaoa" or (qubits % 2 == 0 and qubits >= 4):
            gates = make(qubits, 1).operations
            launches = 1 if gates else 0  # there are no pairs of one qubit
            assert check(engine, gates, qubits, precision) == launches, name


@BOTH
@pytest.mark.parametrize("qubits", range(1, 13))
def test_random_programs_are_one_launch(
    engine: CupyEngine, precision: Precision, qubits: int
) -> None:
    for seed in range(6):
        gates = random_gates(qubits, (1, 20, 100)[seed % 3], seed)
        launches = check(engine, gates, qubits, precision, batch=1 + seed // 3)
        assert launches == 1 or (launches == 0 and len(gates) == 1)  # it may do nothing to |0...0>


@BOTH
def test_only_what_constant_memory_cannot_hold_takes_more_launches(
    engine: CupyEngine, precision: Precision
) -> None:
    gates = random_gates(12, 1500, 1)
    plan = make_plan(gates, Layout(), engine.profile(precision, 12))
    (launches,) = encode_plan(plan, precision).passes
    assert isinstance(launches, tuple)
    larger = encode_plan(plan, precision, 8 * PROGRAM_BYTES)
    assert [len(each) for each in larger.passes if isinstance(each, tuple)] == [1]
    assert 4 * len(larger.words) > PROGRAM_BYTES
    assert check(engine, gates, 12, precision) == len(launches) > 1
