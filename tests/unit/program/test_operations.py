"""Operations are values that nobody changes, and compare by identity."""

from __future__ import annotations

import dataclasses
from typing import Any, get_args

import numpy as np
import pytest

from simquay.program import operations
from simquay.program.formulas import FORMULAS

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


@pytest.mark.parametrize("adjoint", [False, True])
@pytest.mark.parametrize("name", FORMULAS)
def test_a_parametric_gate_has_the_numbers_of_its_formula_at_its_angles(
    name: str, adjoint: bool
) -> None:
    formula = FORMULAS[name]
    count = len(formula.shape) and formula.shape[0].bit_length() - 1
    places, qubits = (5, 1, 4, 2)[: formula.count], (3, 0)[:count]
    gate = operations.Parametric(name, places, qubits, (2, 4), 1, adjoint)
    angles = np.random.default_rng(1).uniform(-7, 7, 6)
    standard = gate.at(angles)
    expected = formula(*angles[list(places)])
    if isinstance(standard, operations.Diagonal):
        numbers = standard.diagonal
        expected = expected.conj() if adjoint else expected
    else:
        numbers = standard.matrix
        expected = expected.conj().T if adjoint else expected
    np.testing.assert_allclose(numbers, expected, atol=1e-15)
    assert numbers.flags.c_contiguous
    assert not numbers.flags.writeable
    assert (standard.qubits, standard.controls, standard.control_state) == (qubits, (2, 4), 1)
    assert gate.is_diagonal == standard.is_diagonal == (len(formula.shape) == 1)


def test_a_parametric_gate_has_no_standard_gates_by_itself() -> None:
    gate = operations.Parametric("rx", (0,), (1,))
    with pytest.raises(TypeError, match="has no numbers before"):
        operations.standard_gates([gate])


def test_parametric_gates_of_one_structure_differ_in_nothing() -> None:
    changes: list[dict[str, Any]] = [
        {"formula": "ry"},
        {"angles": (1,)},
        {"qubits": (2,)},
        {"controls": (2,)},
        {"control_state": 1},
        {"adjoint": True},
    ]
    gate = operations.Parametric("rx", (0,), (1,))
    keys = {dataclasses.replace(gate, **change).structure() for change in changes}
    assert len(keys | {gate.structure()}) == len(changes) + 1
    assert dataclasses.replace(gate).structure() == gate.structure()
