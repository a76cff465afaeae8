"""Gates: relabels, and parametric ones."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from simquay.program import gates
from simquay.program.formulas import FORMULAS


def test_controls_are_none_unless_given() -> None:
    gate = gates.Matrix(np.eye(2, dtype=complex), (0,))
    assert (gate.controls, gate.control_state) == ((), 0)


def test_a_relabel_renames_what_places_hold() -> None:
    # The content of qubit 1 goes to 0, that of 2 to 1, and that of 0 to 2.
    gate = gates.Relabel((0, 1, 2), (1, 2, 0))
    assert gate.renamed((3, 1, 2, 0)) == (3, 0, 1, 2)


@pytest.mark.parametrize("adjoint", [False, True])
@pytest.mark.parametrize("name", FORMULAS)
def test_a_parametric_gate_has_the_numbers_of_its_formula_at_its_angles(
    name: str, adjoint: bool
) -> None:
    formula = FORMULAS[name]
    count = len(formula.shape) and formula.shape[0].bit_length() - 1
    places, qubits = (5, 1, 4, 2)[: formula.count], (3, 0)[:count]
    gate = gates.Parametric(name, places, qubits, (2, 4), 1, adjoint)
    angles = np.random.default_rng(1).uniform(-7, 7, 6)
    standard = gate.at(angles)
    expected = formula(*angles[list(places)])
    if isinstance(standard, gates.Diagonal):
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
    gate = gates.Parametric("rx", (0,), (1,))
    with pytest.raises(TypeError, match="has no numbers before"):
        gates.standard_gates([gate])


def test_parametric_gates_of_one_structure_differ_in_nothing() -> None:
    changes: list[dict[str, Any]] = [
        {"formula": "ry"},
        {"angles": (1,)},
        {"qubits": (2,)},
        {"controls": (2,)},
        {"control_state": 1},
        {"adjoint": True},
    ]
    gate = gates.Parametric("rx", (0,), (1,))
    keys = {dataclasses.replace(gate, **change).structure() for change in changes}
    assert len(keys | {gate.structure()}) == len(changes) + 1
    assert dataclasses.replace(gate).structure() == gate.structure()
