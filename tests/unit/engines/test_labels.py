"""Labels of Pauli strings as masks of storage bits."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.engines.labels import strings_of_labels
from simquay.errors import ProgramError
from simquay.planning import Layout


def test_letters_go_to_the_bits_of_their_qubits() -> None:
    strings, stored = strings_of_labels(["XIYZ", "IIII", "ZZZZ"], 4, Layout((3, 0, 1)))
    np.testing.assert_array_equal(strings.x, [0b101, 0, 0])
    np.testing.assert_array_equal(strings.z, [0b110, 0, 0b111])
    assert not strings.fixed.any()
    assert not strings.values.any()
    assert stored.all()


def test_a_flip_of_a_qubit_that_is_not_stored_is_told() -> None:
    _, stored = strings_of_labels(["XIZ", "ZZX", "ZIY", "IYI"], 3, Layout((0, 2)))
    assert stored.tolist() == [True, True, True, False]
    assert strings_of_labels(["", ""], 0, Layout())[1].tolist() == [True, True]
    assert len(strings_of_labels([], 3, Layout((1,)))[0].x) == 0


@pytest.mark.parametrize("label", ["XQ", "X", "xx"])
def test_a_wrong_label_is_named(label: str) -> None:
    with pytest.raises(ProgramError, match=rf"{label}.*2 letters"):
        strings_of_labels(["XX", label], 2, Layout((0, 1)))
