"""Runs of equal values."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from simquay.execution.grouping import equal_runs


@pytest.mark.parametrize("values", [[7], [1, 2, 3], [4, 4, 4], [-1, -1, 0, 5, 5, 5, 9]])
def test_runs_are_those_of_groupby(values: list[int]) -> None:
    found = [values[low:high] for low, high in equal_runs(np.array(values))]
    assert found == [list(group) for _, group in itertools.groupby(values)]
