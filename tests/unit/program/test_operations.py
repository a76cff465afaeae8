"""Operations are values that nobody changes, and compare by identity."""

from __future__ import annotations

import dataclasses
from typing import Any, get_args

import numpy as np
import pytest

from simquay.program import operations

CLASSES: list[Any] = [
    cls
    for name in operations.__all__
    if dataclasses.is_dataclass(cls := getattr(operations, name)) and name != "SwitchCase"
]


def made(cls: Any) -> Any:
    """One such operation; the fields are not checked, so any value serves."""
    return cls(*[0 for _ in dataclasses.fields(cls)])


@pytest.mark.parametrize("cls", CLASSES)
def test_no_field_can_be_assigned(cls: Any) -> None:
    for field in dataclasses.fields(cls):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(made(cls), field.name, 1)


@pytest.mark.parametrize("cls", CLASSES)
def test_two_alike_are_not_equal_but_can_be_in_a_set(cls: Any) -> None:
    one, other = made(cls), made(cls)
    assert one == one
    assert one != other
    assert len({one, other}) == 2


def test_every_operation_is_one_of_the_union() -> None:
    gates = {cls for cls in CLASSES if issubclass(cls, operations.Gate)}
    others = set(CLASSES) - gates
    assert set(get_args(operations.Operation)) == {operations.QubitOperation, *others}
    assert set(get_args(operations.GateOperation)) <= gates


def test_controls_are_none_unless_given() -> None:
    gate = operations.Matrix(np.eye(2, dtype=complex), (0,))
    assert (gate.controls, gate.control_state) == ((), 0)


def test_a_relabel_renames_what_places_hold() -> None:
    # The content of qubit 1 goes to 0, that of 2 to 1, and that of 0 to 2.
    gate = operations.Relabel((0, 1, 2), (1, 2, 0))
    assert gate.renamed((3, 1, 2, 0)) == (3, 0, 1, 2)
