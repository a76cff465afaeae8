"""How few cuts a circuit needs, and what is read at them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from simquay.execution.adjoint.cuts import Reading, find_cuts
from simquay.program import Diagonal, Matrix, Parametric, Permutation, Prepare, Relabel

NOT = np.array([1, 0], dtype=np.intp)
PAIR = 9


def cx(control, target):
    return Permutation(NOT, (target,), (control,), 1)


def cuts_of(gates, turned=False):
    numbers = {"ry": (3,), "rx": (2,), "rz": (1,), "rzz": (5,), "p": (0, 1), "u": (1, 2, 3)}
    wanted = {
        place: numbers[gate.formula]
        for place, gate in enumerate(gates)
        if isinstance(gate, Parametric)
    }
    return find_cuts(gates, wanted, tuple(range(4)), PAIR, turned)


def layers(formula, count, qubits=3):
    gates = []
    for layer in range(count):
        gates += [Parametric(formula, (layer * qubits + q,), (q,)) for q in range(qubits)]
        gates += [cx(q, q + 1) for q in range(qubits - 1)]
    return gates


def letters_of(reading):
    """The strings, as dictionaries from qubits to letters."""
    pairs = [*zip(reading.qubits.tolist(), reading.letters.tolist(), strict=True)]
    bounds = [*reading.starts.tolist(), len(pairs)]
    return [dict(pairs[a:b]) for a, b in pairwise(bounds)]


@pytest.mark.parametrize("formula", ["rx", "ry"])
def test_a_layer_of_rotations_is_one_cut_of_diagonal_strings(formula):
    cuts = cuts_of(layers(formula, 4), turned=True)
    assert len(cuts.readings) == 4
    strings = letters_of(cuts.readings[0])
    assert strings[0] == {PAIR: 2}
    assert strings[1:] == [{PAIR: 3, 2: 1}, {PAIR: 3, 1: 1}, {PAIR: 3, 0: 1}]
    # What is turned before a cut is turned back after it.
    turned = [gate for gate in cuts.segments[0] if isinstance(gate, Matrix)]
    back = [gate for gate in cuts.segments[1] if isinstance(gate, Matrix)][:3]
    for gate, other in zip(turned, back, strict=True):
        assert gate.qubits == other.qubits
        np.testing.assert_allclose(gate.matrix @ other.matrix, np.eye(2), atol=1e-15)
    assert cuts.numbers[0] == [len(cuts.readings[0].starts) + 2 * 3 + 2]


def test_rotations_are_undone_after_they_are_read_and_nothing_behind_the_last_cut_is():
    cuts = cuts_of(layers("ry", 3))
    counts = [[type(gate) for gate in some].count(Parametric) for some in cuts.segments]
    assert counts == [0, 3, 3]
    assert letters_of(cuts.readings[2])[0] == {PAIR: 3, 2: 3}
    general = cuts_of(layers("u", 3))
    counts = [[type(gate) for gate in some].count(Parametric) for some in general.segments]
    assert counts == [3, 3, 3]


def test_diagonal_gates_on_common_qubits_share_a_cut():
    gates = [Parametric("rzz", (0,), (a, b)) for a in range(4) for b in range(a)]
    gates += [Parametric("rz", (1,), (2,)), Parametric("p", (2,), (0,), (1,), 0)]
    cuts = cuts_of(gates)
    assert len(cuts.readings) == 1
    strings = letters_of(cuts.readings[0])
    assert {PAIR: 3, 1: 4} in strings  # a projector by itself
    assert {PAIR: 3, 1: 4, 0: 1} in strings
    mixed = cuts_of([*gates, Parametric("rx", (3,), (0,)), Parametric("rz", (3,), (0,))])
    assert len(mixed.readings) == 3


def test_a_global_phase_is_read_nowhere():
    cuts = find_cuts([Parametric("phase", (0,), ())], {0: (0,)}, (), PAIR, False)
    assert cuts.numbers == {0: [-1]}
    assert letters_of(cuts.readings[0]) == [{PAIR: 2}]


def test_gates_before_the_first_that_is_read_are_left_out():
    gates = [cx(0, 1), Matrix(np.eye(2, dtype=complex), (0,)), Parametric("u", (0, 1, 2), (0,))]
    cuts = cuts_of(gates)
    assert [type(gate) for gate in cuts.segments[0]] == [Parametric]
    after = cuts_of([*gates, Parametric("ry", (3,), (0,))])
    assert len(after.segments) == 2
    assert cuts_of(gates[:2]).readings[0].starts.tolist() == [0]


def test_inverses():
    rng = np.random.default_rng(1)
    unitary = np.linalg.qr(rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4)))[0]
    table = np.array([2, 0, 1, 3])
    gates: list[Any] = [
        Prepare(np.array([0.6, 0.8], dtype=complex), (3,)),
        Matrix(unitary, (0, 1), (2,), 0),
        Diagonal(np.array([1, 1j]), (1,)),
        Permutation(table, (0, 2)),
        Relabel((0, 1, 2), (1, 2, 0)),
        Parametric("ry", (0,), (1,), adjoint=True),
    ]
    found: Any = find_cuts(gates, {}, tuple(range(4)), PAIR, False).segments[0]
    assert [type(gate) for gate in found] == [Parametric, Relabel, Permutation, Diagonal, Matrix]
    assert not found[0].adjoint
    assert found[1].renamed(gates[4].renamed(range(3))) == (0, 1, 2)
    assert found[2].table[table].tolist() == [0, 1, 2, 3]
    np.testing.assert_allclose(found[4].matrix @ unitary, np.eye(4), atol=1e-14)
    assert (found[4].controls, found[4].control_state) == ((2,), 0)


def test_strings_of_a_layout():
    reading = Reading(
        np.array([0, 2, 4]), np.array([9, 1, 9, 3, 9, 5]), np.array([2, 1, 3, 5, 3, 4])
    )
    strings, lost = reading.strings((3, 9, 1))
    assert strings.x.tolist() == [2, 2, 2]
    assert strings.z.tolist() == [4, 2, 2]
    assert strings.fixed.tolist() == [0, 1, 0]
    assert strings.values.tolist() == [0, 1, 0]
    assert lost.tolist() == [False, False, False]
    assert reading.strings((9, 1))[1].tolist() == [False, True, False]
