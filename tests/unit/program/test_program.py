"""Walks over programs, and which qubits are touched."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.program import (
    Body,
    Break,
    Channel,
    Continue,
    Diagonal,
    ForLoop,
    IfElse,
    Matrix,
    Measure,
    Misread,
    Mixture,
    Parametric,
    Permutation,
    Prepare,
    Program,
    Relabel,
    Reset,
    Save,
    Switch,
    SwitchCase,
    WhileLoop,
)
from simquay.program.expressions import BitRef
from simquay.program.formulas import FORMULAS
from simquay.program.program import bodies_of, most_stored_qubits, numbers_at, walk
from tests.support.operations import cast_to

NOT = np.array([1, 0], dtype=np.intp)


def x(qubit, *controls):
    return Permutation(NOT, (qubit,), controls, (1 << len(controls)) - 1)


def program(*operations, num_qubits=8, **fields):
    return Program(num_qubits, 4, operations, **fields)


def test_a_program_has_no_hash():
    with pytest.raises(TypeError, match="unhashable"):
        hash(program())


def test_walk_goes_through_every_body_in_order():
    inner = WhileLoop(BitRef(0), (x(1), Break()))
    then, otherwise = (x(2), inner), (x(3),)
    branch = IfElse(BitRef(0), then, otherwise)
    switch = Switch(BitRef(1), (SwitchCase((0,), (x(4),)), SwitchCase(None, (Continue(),))))
    last = Measure(0, 0)
    found = list(walk((branch, switch, last)))
    expected = [
        branch,
        then[0],
        inner,
        *inner.body,
        otherwise[0],
        switch,
        switch.cases[0].body[0],
        switch.cases[1].body[0],
        last,
    ]
    assert list(map(id, found)) == list(map(id, expected))


def test_walk_visits_a_shared_body_once():
    body = (x(0),)
    loop = ForLoop((body,) * 1000)
    assert sum(operation is body[0] for operation in walk((loop, IfElse(BitRef(0), body)))) == 1


def test_walk_of_bodies_nested_deep():
    block: Body = (x(5),)
    for _ in range(5000):
        block = (IfElse(BitRef(0), block),)
    assert sum(1 for _ in walk(block)) == 5001
    assert most_stored_qubits(program(*block)) == 1


def test_bodies_of_control_flow():
    first, second = (x(0),), (x(1),)
    assert bodies_of(IfElse(BitRef(0), first, second)) == (first, second)
    assert bodies_of(Switch(BitRef(0), (SwitchCase((0,), first),))) == (first,)
    assert bodies_of(ForLoop((first, first))) == (first, first)
    assert bodies_of(WhileLoop(BitRef(0), second)) == (second,)
    assert bodies_of(x(0)) == ()


Z = np.array([1, -1], dtype=complex)
SWAPPED = Relabel((1, 6), (6, 1))
CYCLE = Relabel((0, 1, 2), (2, 0, 1))


@pytest.mark.parametrize(
    ("operations", "stored"),
    [
        ((x(3),), 1),
        ((x(3, 1, 2),), 0),  # its controls are |0>
        ((x(1), x(3, 1, 2)), 1),
        ((x(1), x(2), x(3, 1, 2)), 3),
        ((x(3, 1), x(1), x(2, 1)), 2),
        ((Permutation(np.array([1, 0]), (3,), (1,), 0),), 1),  # where qubit 1 is |0>
        ((Matrix(np.eye(4, dtype=complex), (5, 2)),), 2),
        ((Diagonal(Z, (4,), (0,), 1),), 0),
        ((Diagonal(np.ones(1, dtype=complex), ()),), 0),
        (tuple(Diagonal(Z, (q,)) for q in range(40)), 0),
        ((SWAPPED,), 0),
        ((x(1), SWAPPED), 1),
        ((x(1), SWAPPED, x(6)), 1),
        ((x(1), SWAPPED, x(1)), 2),
        ((Prepare(np.array([0, 1j]), (7,)),), 1),
        ((Measure(2, 0), Reset(2), Save("state"), ForLoop(())), 0),
        ((IfElse(BitRef(0), (x(1),), (x(2),)),), 2),
        ((x(3, 1), IfElse(BitRef(0), (x(1), x(2, 1)))), 2),
        ((WhileLoop(BitRef(0), (Switch(BitRef(0), (SwitchCase(None, (x(6),)),)),)),), 1),
        # The cycle brings |1> to qubits 1 and 2, one iteration after the other.
        ((x(0), ForLoop(((x(5, 2), CYCLE),) * 3)), 4),
        ((ForLoop(((x(5, 4), x(4, 3)),) * 3),), 0),
        ((x(3), ForLoop(((x(5, 4), x(4, 3)),) * 3)), 3),
    ],
)
def test_most_stored_qubits(operations, stored):
    assert most_stored_qubits(program(*operations)) == stored


@pytest.mark.parametrize("diagonal", [False, True])
def test_a_channel_moves_its_qubits_if_it_is_not_diagonal(diagonal):
    mixture = Mixture(np.array([1.0]), (np.eye(4, dtype=complex),), diagonal)
    channel = Channel(mixture, (2, 5))
    misread = Misread((0,), np.eye(2))
    for body in ((channel, misread), (IfElse(BitRef(0), (channel, misread)),)):
        assert most_stored_qubits(program(*body)) == (0 if diagonal else 2)
        assert [one for one in walk(body) if type(one) is not IfElse] == [channel, misread]
        assert program(*body).at(np.empty(0)).operations == body


ANGLES = np.array([0.3, -1.2, 2.5])


def test_a_program_at_angles_has_standard_gates_in_place_of_parametric_ones():
    rx, cx, last = Parametric("rx", (2,), (0,)), x(1, 0), Measure(0, 0)
    rz, inverse = (
        Parametric("rz", (0,), (1,), (0,), 1),
        Parametric("u", (0, 1, 2), (2,), (), 0, True),
    )
    whole = program(rx, cx, rz, inverse, rx, last, name="ansatz", num_angles=3)
    found = whole.at(ANGLES)
    expected = [rx.at(ANGLES), cx, rz.at(ANGLES), inverse.at(ANGLES), rx.at(ANGLES), last]
    assert found == program(*expected, name="ansatz")
    assert found.operations[1] is cx
    assert whole.operations[0] is rx


def test_a_program_without_angles_is_itself():
    whole = program(x(0))
    assert whole.at(np.empty(0)) is whole


def test_bodies_at_angles_too_and_shared_ones_stay_shared():
    gate = Parametric("p", (1,), (0,))
    body, other = (x(1), gate), (x(2),)
    cases = (SwitchCase((0,), body), SwitchCase(None, other))
    whole = program(
        ForLoop((body, other, body)),
        IfElse(BitRef(0), (WhileLoop(BitRef(1), body),), other),
        Switch(BitRef(1), cases),
        num_angles=3,
    )
    bound = (body[0], gate.at(ANGLES))
    found = whole.at(ANGLES)
    assert found == program(
        ForLoop((bound, other, bound)),
        IfElse(BitRef(0), (WhileLoop(BitRef(1), bound),), other),
        Switch(BitRef(1), (SwitchCase((0,), bound), SwitchCase(None, other))),
    )
    loop = cast_to(ForLoop, found.operations[0])
    assert loop.bodies[0] is loop.bodies[2]


def test_numbers_of_many_sets_of_angles():
    gates = [
        Parametric("rx", (2,), (0,)),
        x(1),
        Parametric("rx", (0,), (1,)),
        Parametric("rx", (1,), (1,), (), 0, True),
        Parametric("cu", (0, 1, 2, 0), (1,)),
        Parametric("phase", (1,), ()),
    ]
    angles = np.random.default_rng(4).uniform(-7, 7, (2, 3, 3))
    seen = []
    for places, numbers in numbers_at(gates, angles):
        seen += places
        for number, place in enumerate(places):
            for index in np.ndindex(2, 3):
                gate = cast_to(Parametric, gates[place]).at(angles[index])
                expected = gate.diagonal if isinstance(gate, Diagonal) else gate.matrix
                np.testing.assert_allclose(numbers[index][number], expected, atol=1e-15)
        assert numbers.flags.c_contiguous
    assert sorted(seen) == [0, 2, 3, 4, 5]


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_parametric_gate_takes_qubits_out_of_0_unless_it_is_diagonal(formula):
    count = FORMULAS[formula].shape[0].bit_length() - 1
    gate = Parametric(formula, (0,) * FORMULAS[formula].count, tuple(range(count)))
    moved = 0 if gate.is_diagonal else count
    assert most_stored_qubits(program(gate, num_angles=1)) == moved
    assert most_stored_qubits(program(ForLoop(((gate,),)), num_angles=1)) == moved
