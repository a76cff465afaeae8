"""Points that run one after another give what their programs give."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from simquay.control import Control
from simquay.engines.base import Engine
from simquay.engines.numpy.engine import DenseEngine
from simquay.execution import evolution, sweep
from simquay.execution.branching import compiler
from simquay.execution.run import run_program
from simquay.execution.settings import Piece, RunContext
from simquay.execution.sweep import Turns
from simquay.planning import make_sweep_plan
from simquay.program import IfElse, Measure, Operation, Program, Save
from simquay.program.expressions import BitRef
from simquay.program.gates import Parametric
from tests.support.tiled_engine import TiledEngine

ANGLES = np.random.default_rng(3).uniform(-3, 3, (5, 4))
GATES = [
    Parametric(name, (angle,), (angle, (angle + 1) % 5)[:width], (), 0)
    for _ in range(2)
    for name, width in (("ry", 1), ("rz", 1), ("rzz", 2), ("rxx", 2))
    for angle in range(4)
]
MEASURES = [Measure(qubit, qubit) for qubit in range(5)]


def program(*operations: Operation) -> Program:
    return Program(5, 5, operations, (), "", 4)


def check(
    parametric: Program,
    angles: np.ndarray,
    engine: Engine,
    numbers: list[int],
    wanted: dict[str, Any] | None = None,
) -> None:
    context = RunContext(shots=200, seed=4, wanted=wanted or {})
    turns = Turns(parametric, angles, engine, context)
    for number in numbers:
        control = Control()
        piece = Piece((number,), 7, 200)
        outcome = turns.run(number, control, piece)
        assert control.fraction == 1.0
        bound = parametric.at(angles[number])
        expected = run_program(bound, engine, context, Control(), piece)
        assert outcome.metadata.keys() == expected.metadata.keys()
        assert outcome.results.keys() == expected.results.keys()
        np.testing.assert_array_equal(outcome["samples"], expected["samples"])
        for key in context.wanted:
            np.testing.assert_allclose(outcome[key], expected[key], atol=1e-12)


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many gate lists had their plans made together, each time."""
    found = []

    def counted(gates: Any, *args: Any, **options: Any) -> Any:
        found.append(gates.batch)
        return make_sweep_plan(gates, *args, **options)

    monkeypatch.setattr(evolution, "make_sweep_plan", counted)
    return found


@pytest.mark.parametrize("wanted", [None, {"statevector": True}])
def test_plans_are_made_together(searches: list[int], wanted: dict[str, Any] | None) -> None:
    check(program(*GATES, *MEASURES), ANGLES, TiledEngine(), [0, 1, 2, 3, 4], wanted)
    assert searches == [5]


def test_plans_are_made_of_as_many_as_have_memory(
    searches: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "_TURNS_BYTES", 2 * len(GATES) * (1280 + 16 * 80))
    check(program(*GATES, *MEASURES), ANGLES, TiledEngine(), [0, 1, 4, 2, 3])
    assert searches[0] in (2, 3)
    assert len(searches) > 2  # a point before the others, too


def test_portions_have_plans_of_their_own(
    searches: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiler, "PLANNED_AT_ONCE", 10)
    check(program(*GATES, *MEASURES), ANGLES, TiledEngine(), [0, 1, 2, 3, 4])
    assert searches == [5] * -(-len(GATES) // 10)


def test_numbers_of_other_traits(searches: list[int]) -> None:
    angles = ANGLES.copy()
    angles[3] = 0  # matrices that are diagonal, and real
    check(program(*GATES, *MEASURES), angles, TiledEngine(), [0, 1, 2, 3, 4])
    assert searches == [5]  # and then no more


@pytest.mark.parametrize(
    ("operations", "engine"),
    [
        ([*GATES, *MEASURES], DenseEngine(threads=1)),  # no plans by vector
        ([*GATES, Save("saved", "statevector"), *MEASURES], TiledEngine()),
        ([*GATES, MEASURES[0], IfElse(BitRef(0), (GATES[0],)), *MEASURES[1:]], TiledEngine()),
        (MEASURES, TiledEngine()),
    ],
)
def test_programs_that_are_bound_one_by_one(
    operations: list[Operation], engine: Engine, searches: list[int]
) -> None:
    check(program(*operations), ANGLES, engine, [0, 1, 2])
    assert not searches
