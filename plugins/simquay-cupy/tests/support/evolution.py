"""States after gates, from the engine and from the reference engine."""

from __future__ import annotations

import pytest

from simquay.control import Control
from simquay.engines.reference import ReferenceEngine, ReferenceState
from simquay.planning import Layout, make_plan
from simquay.program import GateOperation, Precision
from simquay_cupy.engine import CupyEngine
from simquay_cupy.state import DeviceState

REFERENCE = ReferenceEngine()


TOLERANCE = {Precision.SINGLE: 1e-5, Precision.DOUBLE: 1e-12}


BOTH = pytest.mark.parametrize("precision", list(Precision), ids=lambda p: p.value)


def evolve(
    engine: CupyEngine, gates: tuple[GateOperation, ...], qubits: int, precision: Precision
) -> DeviceState:
    state = engine.allocate(qubits, precision, capacity=qubits)
    plan = make_plan(gates, Layout(), engine.profile(precision, qubits))
    engine.apply(state, plan, Control())
    return state


def oracle(gates: tuple[GateOperation, ...], qubits: int) -> ReferenceState:
    state = REFERENCE.allocate(qubits, Precision.DOUBLE, capacity=qubits)
    plan = make_plan(gates, Layout(), REFERENCE.profile(Precision.DOUBLE, qubits))
    REFERENCE.apply(state, plan, Control())
    return state
