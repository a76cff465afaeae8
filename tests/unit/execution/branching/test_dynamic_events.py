"""Events that are no measurements: each kind says its probabilities and changes the states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from simquay.control import Control
from simquay.engines.base import Engine, State
from simquay.engines.numpy.engine import DenseEngine
from simquay.engines.reference import ReferenceEngine
from simquay.errors import ManyStatesError
from simquay.execution.branching.deferral import defer
from simquay.execution.branching.dynamic import run_dynamic
from simquay.execution.branching.steps import Event, Finish, Gates, Steps
from simquay.execution.evolution import Run
from simquay.execution.sampling.randomness import Randomness
from simquay.execution.settings import Outcome, Piece, RunContext
from simquay.program import Measure, Program, Reset
from simquay.program.gates import QubitOperation
from simquay.program.program import most_stored_qubits
from tests.support.small_gates import x

SHOTS = 400
ENGINES: list[Engine] = [ReferenceEngine(), DenseEngine(threads=1)]


class FlipEvent(Event):
    """Qubit 1 is flipped with probability 0.3."""

    batched = False

    def __init__(self) -> None:
        super().__init__((), ())

    def weights(self, engine: Engine, state: State) -> NDArray[np.float64]:
        return np.tile([0.7, 0.3], (state.batch, 1))

    def collapse(
        self,
        engine: Engine,
        state: Any,
        qubits: Sequence[int],
        outcomes: Sequence[int],
        probabilities: Sequence[float],
    ) -> None:
        [outcome] = outcomes  # not batched: one vector
        if outcome:
            engine.flip(state, (1,))

    def words(self) -> str:
        return "the flip of qubit 1"


def run(engine: Engine, **wanted: bool) -> Outcome:
    program = Program(2, 2, (x(0), x(1)))
    event = Event((0, 1), ((0, 0), (1, 1)))
    steps = Steps([Gates((x(0), x(1))), FlipEvent(), FlipEvent(), Finish(event)], 0)
    context = RunContext(shots=SHOTS, seed=4, wanted=wanted)
    return run_dynamic(Run(program, engine, context, Piece((0,), 0, SHOTS), Control()), steps)


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
def test_each_shot_draws_by_the_events_own_probabilities(engine: Engine) -> None:
    randomness = Randomness(4, 0)
    first, second = (randomness.consecutive(draw, 0, SHOTS) >= 0.7 for draw in (0, 1))
    outcome = run(engine)
    assert outcome["samples"][:, 0].tolist() == (1 + 2 * ~(first ^ second)).tolist()
    assert outcome.metadata["branches"] == 4
    assert outcome.metadata["branches_together"] == 1


def test_where_one_state_is_asked_for_the_message_has_the_events_words() -> None:
    with pytest.raises(ManyStatesError, match="the flip of qubit 1 splits"):
        run(ENGINES[0], statevector=True)


def test_an_operation_on_qubits_holds_back_their_measurements_and_needs_a_state() -> None:
    @dataclass(frozen=True, slots=True, eq=False)
    class Flip(QubitOperation):
        qubits: tuple[int, ...]

    operations = (Measure(0, 0), Measure(1, 1), Flip((1,)), Reset(1))
    program = Program(2, 2, operations)
    assert most_stored_qubits(program) == 1
    deferred = defer(program)
    assert deferred.gates is None
    assert deferred.measures == (operations[0],)
    assert deferred.operations == operations[1:3]
    assert deferred.resets == (1,)
