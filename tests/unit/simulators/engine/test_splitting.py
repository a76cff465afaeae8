"""Which circuits and shots make a task."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from simquay.execution.settings import Piece
from simquay.simulators.engine.splitting import split


def test_without_limits_there_is_one_task() -> None:
    assert split([True, False, True], 100, None, None) == [Piece((0, 1, 2), 0, 100)]


def test_circuits_are_grouped_in_order() -> None:
    assert split([True] * 5, 10, 2, None) == [
        Piece((0, 1), 0, 10),
        Piece((2, 3), 0, 10),
        Piece((4,), 0, 10),
    ]


def test_shots_are_cut_into_runs_of_shots() -> None:
    assert split([True], 25, None, 10) == [
        Piece((0,), 0, 10),
        Piece((0,), 10, 10),
        Piece((0,), 20, 5),
    ]


def test_exact_results_have_no_shots_to_be_cut() -> None:
    assert split([False] * 3, 0, 2, 10) == [Piece((0, 1), 0, 0), Piece((2,), 0, 0)]


def test_a_circuit_whose_state_is_asked_for_is_never_cut() -> None:
    assert split([True, False, False, True], 15, None, 10) == [
        Piece((0,), 0, 10),
        Piece((0,), 10, 5),
        Piece((1, 2), 0, 15),
        Piece((3,), 0, 10),
        Piece((3,), 10, 5),
    ]


@given(
    st.lists(st.booleans(), min_size=1, max_size=12),
    st.integers(1, 60),
    st.none() | st.integers(1, 15),
    st.none() | st.integers(1, 70),
)
def test_every_shot_of_every_circuit_is_in_one_task_in_order(
    divisible: list[bool], shots: int, max_circuits: int | None, max_shots: int | None
) -> None:
    plans = split(divisible, shots, max_circuits, max_shots)
    seen: dict[int, list[int]] = {number: [] for number in range(len(divisible))}
    for plan in plans:
        assert len(plan.circuits) <= (max_circuits or len(divisible))
        for number in plan.circuits:
            if divisible[number] and max_shots is not None:
                assert plan.shots <= max_shots
            if not divisible[number]:
                assert (plan.first_shot, plan.shots) == (0, shots)
            seen[number] += range(plan.first_shot, plan.first_shot + plan.shots)
    assert all(some == list(range(shots)) for some in seen.values())
