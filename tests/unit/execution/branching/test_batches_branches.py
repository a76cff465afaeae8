"""Branches, their histories, and the room of a level."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.execution.branching.batches import Batch, Branch, Child, Level, backwards
from simquay.program.expressions import ClassicalMemory


def a_branch(shots: int) -> Branch:
    return Branch(ClassicalMemory(0, [None]), np.arange(shots), [0])


def test_a_child_has_bits_and_counters_of_its_own() -> None:
    parent = a_branch(5)
    child = parent.child(Child(0, 2, 0.25, np.array([1, 4])))
    child.memory.set_bit(3, 1)
    child.counters[0] = 7
    assert (parent.memory.bits, parent.counters) == (0, [0])
    assert child.shots.tolist() == [1, 4]
    assert child.history == (None, 2, 0.25)


def test_a_history_is_read_from_its_end() -> None:
    branch = a_branch(3)
    for outcome in (4, 0, 1):
        branch = branch.child(Child(0, outcome, 1 / (outcome + 1), branch.shots))
    assert list(backwards(branch.history)) == [(1, 0.5), (0, 1.0), (4, 0.2)]
    assert list(backwards(None)) == []


@pytest.mark.parametrize(
    ("room", "shots", "children", "fits"),
    [
        (8, 8, 8, True),  # no more shots than room: there are never more branches
        (8, 9, 4, True),  # half of the room
        (8, 9, 5, False),
        (1, 9, 1, True),
        (1, 9, 2, False),
    ],
)
def test_a_level_uses_half_of_its_room(room: int, shots: int, children: int, fits: bool) -> None:
    assert Level(room, shots).fits(children) is fits


def test_other_batches_of_a_level_count() -> None:
    class State:
        num_qubits, batch, precision, layout = 1, 3, None, None

    state: object = State()
    level = Level(8, 20, [Batch(state, [a_branch(1)] * 3), Batch(None, [a_branch(1)] * 50)])  # type: ignore[arg-type]  # a stand-in: only whether there is one counts
    assert level.fits(1)
    assert not level.fits(2)
