"""Operations are values that nobody changes, and compare by identity."""

from __future__ import annotations

import dataclasses
from typing import Any, get_args

import pytest

from simquay.program import channels, gates, operations

CLASSES: list[Any] = [
    cls
    for module in (gates, channels, operations)
    for name in module.__all__
    if dataclasses.is_dataclass(cls := getattr(module, name))
    and name not in ("SwitchCase", "Mixture")
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
    on_qubits = {cls for cls in CLASSES if issubclass(cls, gates.QubitOperation)}
    assert set(get_args(operations.Operation)) == {gates.QubitOperation, *CLASSES} - on_qubits


def test_every_standard_gate_is_a_gate() -> None:
    kinds = {cls for cls in CLASSES if issubclass(cls, gates.Gate)}
    assert set(get_args(gates.GateOperation)) == kinds - {gates.Parametric}
