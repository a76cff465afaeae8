"""The counts of a circuit, their order and their remainder; numbers with their nouns."""

from __future__ import annotations

import pytest

from simquay.cli.views.counts import counted, most_frequent


def test_most_frequent_first_then_by_bits() -> None:
    top, rest, shots = most_frequent({"11": 5, "00": 5, "01": 9, "10": 1}, 3)
    assert top == [("01", 9), ("00", 5), ("11", 5)]
    assert (rest, shots) == (1, 1)


def test_with_rows_for_all_nothing_remains() -> None:
    assert most_frequent({"1": 2, "0": 3}, 2) == ([("0", 3), ("1", 2)], 0, 0)


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 qubits"), (1, "1 qubit"), (2, "2 qubits"), (11, "11 qubits")]
)
def test_the_noun_is_singular_for_one_alone(number: int, text: str) -> None:
    assert counted(number, "qubit") == text
