"""Which measurements and resets move to the end of a program, and that samples stay the same."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.control import Control
from simquay.execution.branching.deferral import commutes, defer
from simquay.execution.run import run_program
from simquay.execution.settings import RunContext
from simquay.program import (
    Diagonal,
    GateOperation,
    Measure,
    Prepare,
    Program,
    Relabel,
    Reset,
    Store,
)
from simquay.program.expressions import (
    Binary,
    BitRef,
    Cast,
    Constant,
    Index,
    Kind,
    RegisterRef,
    Type,
    Unary,
)
from tests.support.counting_engine import CountingEngine
from tests.support.small_gates import CZ, cx, h, x
from tests.support.small_gates import run_operations as run
from tests.support.small_gates import shot_values as values


def test_early_measurements_are_one_sampling_at_the_end() -> None:
    late = (h(0), cx(0, 1), h(2), cx(1, 2), Measure(0, 0), Measure(1, 1), Measure(2, 2))
    early = (h(0), cx(0, 1), Measure(0, 0), h(2), cx(1, 2), Measure(1, 1), Measure(2, 2))
    engine = CountingEngine()
    settings = RunContext(shots=500)
    outcome = run_program(Program(3, 3, early), engine, settings, Control())
    assert engine.applied == 1
    assert outcome.metadata["branches"] == 1
    assert values(outcome) == values(run(late, 3, 3, shots=500))


def test_a_measured_qubit_may_still_control_and_take_phases() -> None:
    phase = Diagonal(np.array([1, 1j]), (0,))
    program = (h(0), Measure(0, 0), phase, cx(0, 1), Measure(1, 1))
    outcome = run(program, 2, 2, shots=200)
    assert outcome.metadata["branches"] == 1
    assert set(values(outcome)) == {0, 3}


def test_resets_of_untouched_qubits_are_nothing() -> None:
    vector = np.array([0.6, 0.8])
    program = (Reset(0), h(1), Reset(2), Prepare(vector, (0,)), Measure(0, 0))
    engine = CountingEngine()
    settings = RunContext(shots=100, wanted={"statevector": True})
    outcome = run_program(Program(3, 1, program), engine, settings, Control())
    assert engine.applied == 1
    np.testing.assert_allclose(outcome["statevector"][:2], vector / np.sqrt(2))


def test_a_reset_counts_where_something_comes_after_it() -> None:
    measured = run((h(0), Reset(0), Measure(0, 0)), 1, 1, shots=40)
    assert set(values(measured)) == {0}
    controlled = run((h(0), Reset(0), cx(0, 1), Measure(1, 0)), 2, 1, shots=40)
    assert set(values(controlled)) == {0}
    phased = run((h(0), Reset(0), h(1), CZ, h(1), Measure(1, 0)), 2, 1, shots=40)
    assert set(values(phased)) == {0}


def test_a_measurement_stays_where_its_bit_is_used() -> None:
    bit, other = BitRef(0), BitRef(1)
    true = Constant(True, Type(Kind.BOOL))
    read = run((x(0), Measure(0, 0), Store(other, bit)), 1, 2, shots=4)
    assert set(values(read)) == {3}
    register = RegisterRef((1, 0))
    two = Constant(2, Type(Kind.UINT, 2))
    same = Binary("==", Cast(register, Type(Kind.UINT, 2)), two, Type(Kind.BOOL))
    deep = run((x(0), Measure(0, 0), Store(other, Unary("!", same, true.type))), 1, 2, shots=4)
    assert set(values(deep)) == {1}
    written = run((Measure(0, 0), Store(bit, true)), 1, 1, shots=4)
    assert set(values(written)) == {1}
    again = run((x(0), Measure(0, 0), x(0), Measure(0, 0), h(0)), 1, 1, shots=4)
    assert set(values(again)) == {0}
    over = run((h(0), Measure(0, 0), x(1), Measure(1, 0), x(1)), 2, 1, shots=40)
    assert set(values(over)) == {1}
    selected = Index(register, Constant(1, Type(Kind.UINT, 2)))
    chosen = run((x(0), Measure(0, 0), Store(other, selected)), 1, 2, shots=4)
    assert set(values(chosen)) == {3}


def test_gates_then_measurements_are_taken_apart() -> None:
    gates, measures = (h(0), cx(0, 1)), (Measure(1, 0), Measure(0, 1))
    deferred = defer(Program(2, 2, (*gates, *measures)))
    assert deferred.operations == deferred.gates == gates
    assert deferred.measures == measures
    assert deferred.resets == ()


def test_measurements_keep_their_order() -> None:
    early, late = Measure(0, 0), Measure(1, 0)
    deferred = defer(Program(2, 1, (h(0), early, h(1), late)))
    assert deferred.measures == (early, late)
    assert deferred.gates is not None
    assert len(deferred.gates) == 2


def test_what_stays_is_no_list_of_gates() -> None:
    operations = (h(0), Measure(0, 0), h(0), Reset(0), h(0))
    deferred = defer(Program(1, 1, operations))
    assert deferred.operations == operations
    assert deferred.gates is None


@pytest.mark.parametrize(
    ("gate", "with_measure", "with_reset"),
    [
        (h(0), False, False),
        (h(1), True, True),
        (CZ, True, False),
        (cx(0, 1), True, False),
        (cx(1, 0), False, False),
        (Relabel((0, 1), (1, 0)), False, False),
        (Prepare(np.array([0.6, 0.8]), (1,)), True, True),
    ],
)
def test_what_commutes_with_measuring_or_resetting_qubit_0(
    gate: GateOperation, with_measure: bool, with_reset: bool
) -> None:
    assert commutes(gate, {0}, set()) is with_measure
    assert commutes(gate, {0}, {0}) is with_reset
