"""Points: programs of a job that are one program at several sets of angles."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from simquay.errors import ProgramError
from simquay.execution.points import Points, pack, unbound, unpack
from simquay.program import Program
from simquay.program.gates import Parametric
from simquay.program.packing import pack_programs
from tests.support.small_gates import cx, h

PROGRAM = Program(
    2, 0, (h(0), Parametric("ry", (1,), (0,)), cx(0, 1), Parametric("cu", (0, 1, 0, 1), (1,))), (),
    "ansatz", 2,
)  # fmt: skip
PLAIN = Program(1, 0, (h(0),))


def angles(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-3, 3, (count, 2))


def test_each_point_is_the_program_at_its_angles() -> None:
    rows = angles(5)
    points = Points(PROGRAM, rows)
    assert len(points) == 5
    assert [*points] == [PROGRAM.at(row) for row in rows]
    assert points[-1] == PROGRAM.at(rows[4])
    assert points[4].name == "ansatz"
    with pytest.raises(IndexError):
        points[5]


def test_lists_are_joined_in_order() -> None:
    one, other = Points(PROGRAM, angles(3)), Points(PROGRAM, angles(2, 1))
    joined = Points.joined([one, [PLAIN, PROGRAM.at(angles(1)[0])], other, []])
    expected = [*one, PLAIN, PROGRAM.at(angles(1)[0]), *other]
    assert [*joined] == expected
    assert len(joined) == 7
    for first in range(8):
        for count in range(8 - first):
            part = joined.part(first, count)
            assert [*part] == expected[first : first + count]
            assert [*joined[first : first + count]] == [*part]
    assert len(Points.joined([])) == 0
    with pytest.raises(ValueError, match="in order"):
        joined[::2]


def test_a_part_has_views_of_the_angles() -> None:
    rows = angles(5)
    (group,) = Points(PROGRAM, rows).part(1, 3).groups
    assert group[0] is PROGRAM
    assert group[1].base is rows


def test_unbound_programs_are_not_made_anew() -> None:
    points = Points.joined([Points(PROGRAM, angles(2)), [PLAIN]])
    assert [id(one) for one in unbound(points)] == [id(PROGRAM), id(PROGRAM), id(PLAIN)]
    programs = [PLAIN]
    assert unbound(programs) is programs


def test_points_travel_with_one_program() -> None:
    points = Points.joined([Points(PROGRAM, angles(40)), [PLAIN], Points(PROGRAM, angles(2))])
    packed = pack(points)
    assert len(packed) < len(pack([PROGRAM])) + 40 * 2 * 8 + 2000
    again = unpack(packed)
    assert isinstance(again, Points)
    assert [*again] == [*points]
    assert [len(rows) for _, rows in again.groups] == [40, 1, 2]
    assert [*unpack(pack([PLAIN, PLAIN]))] == [PLAIN, PLAIN]


def test_packed_angles_of_another_width_are_refused() -> None:
    wrong: list[Any] = [np.zeros((3, 1)), np.zeros(2), np.zeros((3, 2), dtype=np.float32)]
    for rows in wrong:
        with pytest.raises(ProgramError, match="something else than programs"):
            unpack(pack_programs([(PROGRAM, rows)]))
