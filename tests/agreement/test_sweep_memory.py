"""A sweep takes no more memory than it reserved, on each engine."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest

import simquay
from simquay.control import Control
from simquay.engines.base import Engine
from simquay.execution.points import Points
from simquay.execution.settings import Piece, RunContext
from simquay.execution.sweep import Batch, batches, run_sweep
from simquay.program import Measure, Precision, Program
from simquay.program.gates import Parametric
from simquay.program.operations import Operation
from tests.support.small_gates import cx

HUGE = 2 << 20
"""Bytes from which on the numba engine takes a state from the system, where no trace sees it."""


def turns(qubits: int) -> Program:
    """Layers of one-qubit gates and CX."""
    gates: list[Operation] = []
    for layer in range(4):
        for qubit in range(qubits):
            gates += [Parametric(name, (len(gates),), (qubit,)) for name in ("ry", "rz")]
        gates += [cx(qubit, qubit + 1) for qubit in range(qubits - 1) if layer < 3]
    return Program(qubits, qubits, (*gates, *measures(qubits)), num_angles=len(gates))


def pairs(qubits: int) -> Program:
    """Layers of controlled gates, and of matrices on two qubits."""
    gates: list[Operation] = []
    for _ in range(4):
        for one in range(qubits - 1):
            first = len(gates)
            gates += [
                Parametric("xx_plus_yy", (first, first), (one, one + 1)),
                Parametric("cu", (first, first, first, first), (one,), (one + 1,), 1),
                Parametric("rzz", (first,), (one, one + 1), (), 0, True),
            ]
    return Program(qubits, qubits, (*gates, *measures(qubits)), num_angles=len(gates))


def measures(qubits: int) -> list[Measure]:
    return [Measure(qubit, qubit) for qubit in range(qubits)]


CASES = [(name, qubits) for name in ("numpy", "numba") for qubits in (2, 5, 8, 12)]


@pytest.mark.parametrize("precision", list(Precision))
@pytest.mark.parametrize("made", [turns, pairs])
@pytest.mark.parametrize(("name", "qubits"), [*CASES, ("numba", 14)])
def test_a_batch_takes_what_it_needs_at_most(
    name: str, qubits: int, made: Callable[[int], Program], precision: Precision
) -> None:
    engine = simquay.get_backend(name).engine
    program = made(qubits)
    context = RunContext(shots=50, precision=precision, wanted={"statevector": True})
    rng = np.random.default_rng(qubits)
    for count in (2, 11, 120):
        points = Points(program, rng.uniform(-3, 3, (count, program.num_angles)))
        batch = batches(points, engine, context, context.shots, True)[0]
        run_all(batch, points, engine, context)  # kernels are compiled, and plans kept
        tracemalloc.start()
        try:
            run_all(batch, points, engine, context)
            taken = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        state = batch.count * precision.amplitude_bytes << qubits
        if name == "numba" and state >= HUGE:
            taken += state
        assert taken <= batch.need


def run_all(batch: Batch, points: Points, engine: Engine, context: RunContext) -> None:
    assert batch.shape is not None
    assert batch.count > 1
    piece = Piece(tuple(range(batch.count)), 0, context.shots)
    some = points[: batch.count]
    found = run_sweep(batch.shape, some, engine, context, Control(), piece)
    assert sum(1 for _ in found) == batch.count
