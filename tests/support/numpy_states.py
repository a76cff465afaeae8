"""States of the NumPy engine after gates, and what reading them should give."""

from __future__ import annotations

import numpy as np

from simquay.control import Control
from simquay.engines.numpy.engine import DenseEngine
from simquay.engines.numpy.state import DenseState
from simquay.planning import make_plan
from simquay.program import Precision
from simquay.program.gates import GateOperation

__all__ = ["TOLERANCE", "evolve", "naive_probabilities"]

TOLERANCE = {Precision.DOUBLE: 1e-12, Precision.SINGLE: 1e-5}


def evolve(
    gates: list[GateOperation],
    num_qubits: int,
    precision: Precision = Precision.DOUBLE,
    *,
    batch: int = 1,
    engine: DenseEngine | None = None,
) -> tuple[DenseEngine, DenseState]:
    engine = engine or DenseEngine()
    state = engine.allocate(num_qubits, precision, capacity=num_qubits, batch=batch)
    plan = make_plan(gates, state.layout, engine.profile(precision, num_qubits))
    engine.apply(state, plan, Control())
    assert state.layout == plan.final
    return engine, state


def naive_probabilities(
    vector: np.ndarray, qubits: tuple[int, ...], given: dict[int, int]
) -> np.ndarray:
    result = np.zeros(1 << len(qubits))
    for index, amplitude in enumerate(vector):
        if all(index >> q & 1 == value for q, value in given.items()):
            result[sum((index >> q & 1) << j for j, q in enumerate(qubits))] += abs(amplitude) ** 2
    return result
