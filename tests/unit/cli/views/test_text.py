"""Numbers with their nouns."""

from __future__ import annotations

import pytest

from simquay.cli.views.text import counted


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 qubits"), (1, "1 qubit"), (2, "2 qubits"), (11, "11 qubits")]
)
def test_the_noun_is_singular_for_one_alone(number: int, text: str) -> None:
    assert counted(number, "qubit") == text
