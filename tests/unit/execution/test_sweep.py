"""Programs that run as one batch give what they give one by one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.quantum_info import Statevector

from simquay.circuits.lowering.circuit import lower
from simquay.control import Control
from simquay.engines.base import Engine
from simquay.engines.numpy.engine import DenseEngine
from simquay.engines.reference import ReferenceEngine
from simquay.errors import Cancelled
from simquay.execution.evolution import SweepRefusedError
from simquay.execution.points import Points
from simquay.execution.run import run_program
from simquay.execution.settings import Outcome, Piece, RunContext
from simquay.execution.sweep import batches, run_sweep, same_shape, sweep_shape
from simquay.program import (
    Diagonal,
    Matrix,
    Measure,
    Operation,
    Permutation,
    Precision,
    Program,
    Relabel,
    Reset,
    Save,
)
from simquay.program.gates import Parametric
from simquay.program.observable import Observable
from tests.support.random_programs import random_dynamic_program, random_gates
from tests.support.sweeps import OneByOneEngine, WatchedEngine, parametrised, sweep
from tests.support.tiled_engine import TiledEngine

ENGINE = DenseEngine(threads=1)
H = np.array([[1, 1], [1, -1]], dtype=complex) / np.sqrt(2)
NOT = np.array([1, 0])
PLAIN = RunContext(shots=100)
WITH_STATE = RunContext(shots=3, wanted={"statevector": True})


def piece_of(context: RunContext, numbers: Iterable[int], first_shot: int = 0) -> Piece:
    return Piece(tuple(numbers), first_shot, context.shots)


def at_once(
    circuits: list[QuantumCircuit], context: RunContext, piece: Piece | None = None
) -> list[Outcome]:
    programs = [lower(circuit) for circuit in circuits]
    assert all(same_shape(programs[0], program) for program in programs)
    shape = sweep_shape(programs[0], ENGINE, context)
    assert shape is not None
    control = Control()
    piece = piece or piece_of(context, range(len(programs)))
    found = run_sweep(shape, programs, ENGINE, context, control, piece)
    outcomes = [outcome for outcome, _ in found]
    assert control.fraction == 1.0
    return outcomes


@pytest.mark.parametrize("num_qubits", [1, 2, 3, 5, 7, 9, 11, 12])
@pytest.mark.parametrize("seed", range(3))
def test_samples_are_those_of_runs_one_by_one(num_qubits: int, seed: int) -> None:
    # 5 x 2,000 draws: one within 1e-12 of a boundary of 4,096 outcomes has a chance of 1e-4 over
    # all cases here, and the seeds are fixed.
    circuits = sweep(num_qubits, 5, seed, gates=50)
    context = RunContext(shots=2000, seed=seed)
    numbers = [7, 8, 9, 11, 12]
    outcomes = at_once(circuits, context, piece_of(context, numbers, 300))
    for number, circuit, outcome in zip(numbers, circuits, outcomes, strict=True):
        own = piece_of(context, [number], 300)
        expected = run_program(lower(circuit), ENGINE, context, Control(), own)
        np.testing.assert_array_equal(outcome["samples"], expected["samples"])
        assert outcome.metadata.keys() == expected.metadata.keys()
        for key in ("branches", "passes", "stored_qubits", "strategy"):
            assert outcome.metadata[key] == expected.metadata[key]


@pytest.mark.parametrize("count", [1, 2, 9])
def test_points_give_what_their_programs_give(count: int) -> None:
    rng = np.random.default_rng(count)
    gates = [
        Parametric(name, (angle, 4 - angle), (angle % 3,), (3,) if angle else (), angle % 2, flip)
        if name == "r"
        else Parametric(name, (angle,), (angle % 3, 3)[:width], (), 0, flip)
        for name, width in (("ry", 1), ("rz", 1), ("r", 1), ("rzz", 2), ("rxx", 2))
        for angle in range(5)
        for flip in (False, True)
    ]
    parametric = Program(4, 4, (*gates, *[Measure(qubit, qubit) for qubit in range(4)]), (), "", 5)
    context = RunContext(shots=300, seed=3, wanted={"statevector": True})
    points = Points(parametric, rng.uniform(-4, 4, (count, 5)))
    (batch,) = batches(points, ENGINE, context, 300, True)
    assert batch.count == count
    shape = sweep_shape(parametric, ENGINE, context)
    assert shape is not None
    piece = piece_of(context, range(count))
    found = run_sweep(shape, points, ENGINE, context, Control(), piece)
    for number, (outcome, _) in enumerate(found):
        own = piece_of(context, [number])
        expected = run_program(points[number], ENGINE, context, Control(), own)
        np.testing.assert_array_equal(outcome["samples"], expected["samples"])
        np.testing.assert_allclose(outcome["statevector"], expected["statevector"], atol=1e-12)


def test_points_of_several_programs_run_apart_and_what_is_alike_together() -> None:
    turns = [Program(1, 0, (Parametric(name, (0,), (0,)),), (), "", 1) for name in ("rx", "ry")]
    rows = np.ones((3, 1))
    plain = [Program(1, 0, (turn(angle),)) for angle in (0.1, 0.2)]
    points = Points.joined([*[Points(one, rows) for one in turns], plain])
    context = RunContext(shots=1)
    assert [(one.first, one.count) for one in batches(points, ENGINE, context, 1, True)] == [
        (0, 3),
        (3, 3),
        (6, 2),
    ]
    alike = Points.joined([Points(turns[0], rows), Points(replace(turns[0]), 2 * rows)])
    (batch,) = batches(alike, ENGINE, RunContext(shots=1, wanted={"statevector": True}), 1, True)
    shape = sweep_shape(turns[0], ENGINE, WITH_STATE)
    assert shape is not None
    assert batch.count == 6
    found = run_sweep(shape, alike, ENGINE, WITH_STATE, Control(), piece_of(WITH_STATE, range(6)))
    for number, (outcome, _) in enumerate(found):
        half = 0.5 if number < 3 else 1.0
        expected = [np.cos(half), -1j * np.sin(half)]
        np.testing.assert_allclose(outcome["statevector"], expected, atol=1e-12)


@pytest.mark.parametrize("precision", list(Precision))
@pytest.mark.parametrize("seed", range(12))
def test_states_are_those_of_qiskit(precision: Precision, seed: int) -> None:
    circuits = sweep(1 + seed, 4, seed, measure=False)
    outcomes = at_once(circuits, RunContext(precision=precision, wanted={"statevector": True}))
    tolerance = 1e-12 if precision is Precision.DOUBLE else 1e-5
    for circuit, outcome in zip(circuits, outcomes, strict=True):
        assert outcome["statevector"].dtype == precision.complex_dtype
        assert outcome["statevector"].base is None  # one that is kept does not keep the others
        np.testing.assert_allclose(
            outcome["statevector"], Statevector(circuit).data, atol=tolerance
        )


def test_qubits_that_no_gate_touches_and_bits_that_go_elsewhere() -> None:
    def make(angle: float) -> QuantumCircuit:
        circuit = QuantumCircuit(30, 70)
        circuit.ry(angle, 20)
        circuit.crx(2 * angle, 20, 3)
        circuit.measure([20, 3, 9, 20], [69, 0, 5, 64])
        return circuit

    circuits = [make(0.3 * number) for number in range(6)]
    context = RunContext(shots=500, seed=4)
    for number, outcome in enumerate(at_once(circuits, context)):
        own = piece_of(context, [number])
        expected = run_program(lower(circuits[number]), ENGINE, context, Control(), own)
        np.testing.assert_array_equal(outcome["samples"], expected["samples"])
        assert outcome.metadata["stored_qubits"] == 2


def test_measurements_that_stand_before_other_gates() -> None:
    """They move to the end; so do resets, which nobody sees."""

    def make(angle: float) -> QuantumCircuit:
        circuit = QuantumCircuit(3, 3)
        circuit.ry(angle, 0)
        circuit.measure(0, 0)
        circuit.rx(angle, 1)
        circuit.cx(1, 2)
        circuit.reset(0)
        circuit.measure([1, 2], [1, 2])
        return circuit

    circuits = [make(0.4 * number) for number in range(4)]
    context = RunContext(shots=400, seed=1)
    for number, outcome in enumerate(at_once(circuits, context)):
        own = piece_of(context, [number])
        expected = run_program(lower(circuits[number]), ENGINE, context, Control(), own)
        np.testing.assert_array_equal(outcome["samples"], expected["samples"])
    program = lower(circuits[0])
    assert sweep_shape(program, ENGINE, WITH_STATE) is None


def test_programs_without_measurement_and_many_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simquay.execution.branching.compiler.PLANNED_AT_ONCE", 7)
    circuits = sweep(5, 3, 2, measure=False)
    for circuit, outcome in zip(
        circuits, at_once(circuits, RunContext(shots=3, wanted={"statevector": True})), strict=True
    ):
        assert not outcome["samples"].any()
        np.testing.assert_allclose(outcome["statevector"], Statevector(circuit).data, atol=1e-12)


def program(*operations: Operation, n: int = 3, clbits: int = 3) -> Program:
    return Program(n, clbits, operations)


def turn(angle: float, qubit: int = 0) -> Diagonal:
    return Diagonal(np.exp([0, 1j * angle]), (qubit,))


BASE = program(
    Matrix(H, (0,)),
    turn(0.1),
    Permutation(NOT, (1,), (0,), 1),
    Relabel((0, 1), (1, 0)),
    Reset(2),
    Measure(0, 0),
)
ALIKE = program(
    Matrix(np.eye(2) + 0j, (0,)),
    turn(2.1),
    Permutation(NOT.copy(), (1,), (0,), 1),
    Relabel((0, 1), (1, 0)),
    Reset(2),
    Measure(0, 0),
)


def changed(place: int, operation: Operation) -> Program:
    operations = list(BASE.operations)
    operations[place] = operation
    return program(*operations)


def test_saves_in_a_sweep() -> None:
    letters, qubits = np.array([2, 1], np.uint8), np.array([0, 2], np.intp)
    observable = Observable(3, np.array([0.5]), letters, qubits, np.array([0, 2], np.intp))
    middle = (
        Save("state"),
        Save("sum", "probabilities", "accum", qubits=(2, 0)),
        Save("each", "density_matrix", "list", qubits=(1,)),
    )
    end = (
        Save("by_bits", "amplitudes", "average", True, indices=np.array([5, 0], np.uint64)),
        Save("mean", "expectation_value", "average", observables=(observable,)),
    )
    first, second = random_gates(3, 30, 4), random_gates(3, 30, 5)
    measures = tuple(Measure(qubit, qubit) for qubit in range(3))
    programs = [
        program(turn(angle), *first, *middle, turn(angle, 1), *second, *end, *measures)
        for angle in (0.1, 0.2, 0.4)
    ]
    assert same_shape(*programs[:2])
    assert not same_shape(programs[0], program(*programs[0].operations[:-4], *measures))
    context = RunContext(shots=50, seed=2)
    shape = sweep_shape(programs[0], ENGINE, context)
    assert shape is not None
    found = run_sweep(shape, programs, ENGINE, context, Control(), piece_of(context, range(3)))
    for number, (one, (outcome, _)) in enumerate(zip(programs, found, strict=True)):
        own = piece_of(context, [number])
        expected = run_program(one, ReferenceEngine(), context, Control(), own)
        np.testing.assert_array_equal(outcome["samples"], expected["samples"])
        assert list(outcome["saved"]) == list(expected["saved"]) == [s.key for s in middle + end]
        for key, (kind, form, groups) in expected["saved"].items():
            assert outcome["saved"][key][:2] == (kind, form)
            [(bits, (count, value))] = groups.items()
            assert (bits, count) == (0 if key == "by_bits" else None, 1)
            [(other, (_, data))] = outcome["saved"][key][2].items()
            assert other == bits
            np.testing.assert_allclose(data, value, atol=1e-12)


def test_programs_of_one_shape() -> None:
    assert same_shape(BASE, ALIKE)
    assert same_shape(BASE, BASE)
    gates = [random_gates(5, 60, seed) for seed in (1, 1, 2)]
    assert same_shape(program(*gates[0]), program(*gates[1]))
    assert not same_shape(program(*gates[0]), program(*gates[2]))


@pytest.mark.parametrize(
    "other",
    [
        Program(4, 3, BASE.operations),
        Program(3, 4, BASE.operations),
        program(*BASE.operations[:-1]),
        changed(0, turn(0.2)),
        changed(0, Matrix(H, (2,))),
        changed(0, Matrix(H, (0,), (2,), 1)),
        changed(2, Permutation(NOT, (1,), (0,), 0)),
        changed(2, Permutation(np.array([0, 1]), (1,), (0,), 1)),
        changed(3, Relabel((0, 1), (0, 1))),
        changed(4, Reset(1)),
        changed(5, Measure(1, 0)),
        changed(5, Measure(0, 1)),
        changed(5, Save("state")),
    ],
)
def test_programs_of_other_shapes(other: Program) -> None:
    assert not same_shape(BASE, other)


def test_an_object_that_stands_at_several_places() -> None:
    hadamard, quarter = Matrix(H, (0,)), turn(0.25)
    once = program(hadamard, quarter, hadamard, quarter, hadamard)
    other = program(hadamard, turn(0.5), hadamard, turn(1.0), Matrix(H, (0,)))
    shape = sweep_shape(once, ENGINE, WITH_STATE)
    assert same_shape(once, other)
    assert shape is not None
    piece = piece_of(WITH_STATE, range(2))
    found = run_sweep(shape, [once, other], ENGINE, WITH_STATE, Control(), piece)
    for one, (outcome, _) in zip([once, other], found, strict=True):
        expected = run_program(one, ENGINE, WITH_STATE, Control())
        np.testing.assert_allclose(outcome["statevector"], expected["statevector"], atol=1e-15)


def test_what_has_to_run_by_itself() -> None:
    def shape(one: Program, engine: Engine = ENGINE, context: RunContext = PLAIN) -> Any:
        return sweep_shape(one, engine, context)

    small = lower(parametrised(4, 0, 0).compose(QuantumCircuit(4)))
    assert shape(small) is None  # nothing to do at all
    fixed = program(Matrix(H, (0,)), Measure(0, 0))
    assert shape(fixed) is not None
    assert shape(fixed, OneByOneEngine()) is None
    assert shape(fixed, TiledEngine()) is None
    assert shape(random_dynamic_program(4, 40, 1)) is None
    saving = shape(program(Matrix(H, (0,)), Save("state"), n=40))
    assert saving.bytes > 16 << 40  # and so never two at once
    middle = program(Matrix(H, (0,)), Measure(0, 0), Matrix(H, (0,)))
    assert shape(middle) is None
    most = ENGINE.sweep_qubits(Precision.DOUBLE)
    for width, fits in ((most, True), (most + 1, False)):
        wide = program(*[Matrix(H, (qubit,)) for qubit in range(width)], n=40)
        assert (shape(wide) is not None) is fits
        assert shape(wide, context=WITH_STATE) is None


def test_numbers_that_no_common_plan_takes_are_refused() -> None:
    wide = [np.linalg.qr(np.random.default_rng(k).normal(size=(64, 64)))[0] for k in range(2)]
    # So many qubits that a plan is searched for.
    others = [Matrix(H, (qubit,)) for qubit in range(6, 9)]
    programs = [
        Program(9, 0, (Matrix(one.astype(complex), tuple(range(6))), *others)) for one in wide
    ]
    shape = sweep_shape(programs[0], ENGINE, PLAIN)
    assert shape is not None
    engine = WatchedEngine()
    with pytest.raises(SweepRefusedError, match="no plan serves all circuits"):
        next(run_sweep(shape, programs, engine, PLAIN, Control(), piece_of(PLAIN, range(2))))
    assert engine.sweep_passes == 0


def test_a_cancelled_sweep_stops_between_passes_and_between_programs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    programs = [lower(circuit) for circuit in sweep(12, 3, 5)]
    shape = sweep_shape(programs[0], ENGINE, PLAIN)
    assert shape is not None

    report = Control.report

    def stopping(part: Control, fraction: float) -> None:
        """Cancels the run at the report of its first pass."""
        report(part, fraction)
        part.cancel()

    control = Control()
    with monkeypatch.context() as patch:
        patch.setattr(Control, "report", stopping)
        with pytest.raises(Cancelled):
            next(run_sweep(shape, programs, ENGINE, PLAIN, control, piece_of(PLAIN, range(3))))
    assert control.fraction < 0.5
    control = Control()
    outcomes = run_sweep(shape, programs, ENGINE, PLAIN, control, piece_of(PLAIN, range(3)))
    next(outcomes)
    control.cancel()
    with pytest.raises(Cancelled):
        next(outcomes)


def test_seconds_share_out_the_time_that_passed() -> None:
    programs = [lower(circuit) for circuit in sweep(6, 20, 1)]
    shape = sweep_shape(programs[0], ENGINE, PLAIN)
    assert shape is not None
    piece = piece_of(PLAIN, range(20))
    found = list(run_sweep(shape, programs, ENGINE, PLAIN, Control(), piece))
    for outcome, seconds in found:
        times = outcome.metadata["planning_time"], outcome.metadata["execution_time"]
        assert min(times) > 0
        assert sum(times) == pytest.approx(seconds)
