"""The comparison of an engine's numbers with the reference's."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.errors import ProgramError
from simquay.program import Precision
from simquay.testing import CheckFailed
from simquay.testing.engine_checks.comparison import gates_of, near, refused, vectors_of
from tests.support.gate_lists import run_naively


@pytest.mark.parametrize(
    ("precision", "small"), [(Precision.DOUBLE, 1e-12), (Precision.SINGLE, 1e-5)]
)
def test_arrays_are_compared_within_the_precision(precision: Precision, small: float) -> None:
    near([1 + small], [1], precision, "x")
    with pytest.raises(CheckFailed, match=r"x, in .* precision: differs by"):
        near([1 + 100 * small], [1], precision, "x")
    with pytest.raises(CheckFailed, match=r"the shape is \(1,\); expected \(1, 1\)"):
        near([1], [[1]], precision, "x")


def test_the_expected_amplitudes_are_right() -> None:
    gates = gates_of(4, 20, 1)
    expected = run_naively(gates, 4)
    np.testing.assert_allclose(vectors_of(gates, 4, 2), [expected, expected], atol=1e-12)


def test_only_a_program_error_is_a_refusal() -> None:
    def fail(kind: type[Exception]) -> None:
        raise kind

    refused("it", fail, ProgramError)
    with pytest.raises(CheckFailed, match="it raised ValueError"):
        refused("it", fail, ValueError)
