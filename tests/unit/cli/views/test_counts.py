"""The counts of a circuit: their order, their remainder and their sum."""

from __future__ import annotations

from simquay.cli.views.counts import CircuitCounts, most_frequent


def test_most_frequent_first_then_by_bits() -> None:
    top, rest, shots = most_frequent({"11": 5, "00": 5, "01": 9, "10": 1}, 3)
    assert top == [("01", 9), ("00", 5), ("11", 5)]
    assert (rest, shots) == (1, 1)


def test_with_rows_for_all_nothing_remains() -> None:
    assert most_frequent({"1": 2, "0": 3}, 2) == ([("0", 3), ("1", 2)], 0, 0)


def test_the_shots_are_the_sum_of_the_counts() -> None:
    assert CircuitCounts("bell", 2, "c", {"00": 40, "11": 60}, None).shots == 100
