"""A kind of gate that no planner and no engine knows runs on every engine, in every kind of run."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from qiskit.quantum_info import Operator, Pauli, Statevector

from simquay.control import Control
from simquay.engines.base import Engine
from simquay.engines.numpy.engine import DenseEngine
from simquay.engines.reference import ReferenceEngine
from simquay.execution.branching.deferral import defer
from simquay.execution.run import run_program
from simquay.execution.settings import Piece, RunContext
from simquay.execution.sweep import run_sweep, same_shape, sweep_shape
from simquay.planning import Layout, Profile, make_plan
from simquay.planning.explanation import explain
from simquay.program import Gate, IfElse, Matrix, Measure, Program, Reset
from simquay.program.expressions import BitRef
from simquay.program.gates import standard_gates
from simquay_numba.engine import NumbaEngine
from tests.support.small_gates import cx, h
from tests.support.tiled_engine import TiledEngine

PAULIS = {letter: Pauli(letter).to_matrix() for letter in "XYZ"}
ENGINES = [ReferenceEngine(), DenseEngine(threads=1), TiledEngine()]


@dataclass(frozen=True, slots=True, eq=False)
class Rotation(Gate):
    """exp(-i angle/2 P) for the Pauli string P whose letter ``j`` belongs to ``qubits[j]``."""

    angle: float
    letters: str
    qubits: tuple[int, ...]
    controls: tuple[int, ...] = ()
    control_state: int = 0

    def structure(self) -> Hashable:
        return Rotation, self.letters, self.qubits, self.controls, self.control_state

    def as_matrix(self) -> NDArray[np.complex128]:
        pauli = reduce(np.kron, [PAULIS[letter] for letter in reversed(self.letters)])
        unit = np.eye(len(pauli))
        return np.asarray(np.cos(self.angle / 2) * unit - 1j * np.sin(self.angle / 2) * pauli)


def rotations(angle: float) -> tuple[Gate, ...]:
    return (
        h(0),
        Rotation(angle, "XZ", (2, 0)),
        cx(0, 1),
        Rotation(2 * angle, "Y", (1,), (0, 2), 0b01),
        Rotation(-angle, "XYZ", (1, 0, 2)),
    )


def final_state(angle: float) -> Statevector:
    """The state after :func:`rotations`, by Qiskit."""

    def rotation(angle: float, label: str) -> Operator:
        pauli = Operator(Pauli(label))
        return np.cos(angle / 2) * Operator(np.eye(8)) - 1j * np.sin(angle / 2) * pauli

    held = np.diag([float(i & 1 and not i & 4) for i in range(8)])
    controlled = Operator(np.eye(8) - held + held @ rotation(2 * angle, "IYI").data)
    state = Statevector.from_int(0, 8)
    state = state.evolve(Operator.from_label("H"), [0])
    state = state.evolve(rotation(angle, "XIZ"))
    state = state.evolve(Operator(cx_matrix()), [0, 1])
    return state.evolve(controlled).evolve(rotation(-angle, "ZXY"))


def cx_matrix() -> NDArray[np.float64]:
    return np.array([[1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0], [0, 1, 0, 0]], dtype=float)


def state_of(engine: Engine, angle: float) -> NDArray[Any]:
    context = RunContext(shots=1, wanted={"statevector": True})
    outcome = run_program(Program(3, 0, rotations(angle)), engine, context, Control())
    return np.asarray(outcome["statevector"])


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
def test_the_state_is_that_of_qiskit(engine: Engine) -> None:
    np.testing.assert_allclose(state_of(engine, 0.7), final_state(0.7).data, atol=1e-12)


def test_a_plugin_engine_runs_it_unchanged() -> None:
    engine = NumbaEngine()
    for _ in range(2):  # the first without a search
        np.testing.assert_allclose(state_of(engine, 0.7), final_state(0.7).data, atol=1e-12)


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
def test_in_a_branch_it_gives_the_samples_of_its_matrices(engine: Engine) -> None:
    body = rotations(1.1)

    def dynamic(part: tuple[Gate, ...]) -> Program:
        begin = (h(0), Measure(0, 0), IfElse(BitRef(0), part), Reset(0))
        return Program(3, 3, (*begin, *part, Measure(1, 1), Measure(2, 2)))

    written, replaced = (
        run_program(dynamic(part), engine, RunContext(300, seed=5), Control())["samples"]
        for part in (body, tuple(standard_gates(body)))
    )
    np.testing.assert_array_equal(written, replaced)
    assert len(np.unique(written)) > 4


def test_programs_that_differ_in_its_numbers_are_a_sweep() -> None:
    angles = [0.1, 0.5, 2.0]
    programs = [Program(3, 0, rotations(angle)) for angle in angles]
    assert same_shape(programs[0], programs[1])
    other = Program(3, 0, (*rotations(0.1)[:-1], Rotation(0.1, "ZYX", (1, 0, 2))))
    assert not same_shape(programs[0], other)
    engine = DenseEngine(threads=1)
    context = RunContext(shots=1, wanted={"statevector": True})
    shape = sweep_shape(programs[0], engine, context)
    assert shape is not None
    piece = Piece((0, 1, 2), 0, 1)
    found = run_sweep(shape, programs, engine, context, Control(), piece)
    for angle, (outcome, _) in zip(angles, found, strict=True):
        np.testing.assert_allclose(outcome["statevector"], final_state(angle).data, atol=1e-12)


def test_a_measurement_before_it_is_deferred_only_where_its_qubits_differ() -> None:
    apart = defer(Program(3, 1, (Measure(0, 0), Rotation(0.3, "XX", (1, 2)))))
    assert len(apart.measures) == 1
    on_it = defer(Program(3, 1, (Measure(1, 0), Rotation(0.3, "ZZ", (1, 2)))))
    assert not on_it.measures


def test_a_plan_explains_it_as_its_matrix() -> None:
    gates = [Rotation(0.3, "XX", (0, 1), (2,), 1)]
    stored = Layout((2,))
    assert "matrix with 1 control" in explain(make_plan(gates, stored, Profile("gates")))


def test_a_gate_without_a_matrix_is_refused() -> None:
    class Unknown(Gate):
        qubits = (0,)

    with pytest.raises(NotImplementedError, match="the gate Unknown has no matrix"):
        make_plan([Unknown()], Layout(), Profile("gates"))


def test_standard_gates_are_taken_as_they_are() -> None:
    gates = [Matrix(np.eye(2, dtype=complex), (0,)), cx(0, 1)]
    assert standard_gates(gates) is gates
