"""The counts that were recorded come back: on each engine, in each precision, split or not.

The engines take the same draws, so that counts differ only where rounding moves a draw across a
boundary between outcomes. With 30,000 draws, and errors of about 1e-6 in
single precision, that is unlikely in this table, and happens nowhere in it.
"""

from __future__ import annotations

import json

import pytest

from tests.support.recorded_counts import TABLE, counts_of

RECORDED = json.loads(TABLE.read_text(encoding="utf-8"))

SPLIT = {"max_shots_per_task": 37, "max_circuits_per_task": 4}


@pytest.mark.parametrize("split", [False, True], ids=["whole", "split"])
@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_counts_are_those_recorded(engine: str, precision: str, split: bool) -> None:
    found = counts_of(engine, precision=precision, **(SPLIT if split else {}))
    assert len(found) == 300
    assert found == RECORDED
