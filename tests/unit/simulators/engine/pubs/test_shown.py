"""From the outcomes of a pub's points to its result; tests/unit/primitives runs whole pubs."""

from __future__ import annotations

import numpy as np

from simquay.execution.settings import Outcome
from simquay.simulators.engine.pubs.bits import RegisterBits
from simquay.simulators.engine.pubs.shown import EstimatedShown, ProbabilitiesShown, SampledShown


def outcome(kind: str, value: object, seconds: float = 0.5) -> Outcome:
    return Outcome({kind: value}, {"execution_time": seconds})


def test_samples_become_registers_and_figures_of_points_are_added() -> None:
    shown = SampledShown((2,), 3, [RegisterBits("a", [0]), RegisterBits("b", [2, 1])], {"m": 1})
    points = [np.array([[0], [1], [6]]), np.array([[4], [3], [7]])]
    result = shown(0, [outcome("samples", one.astype(np.uint64)) for one in points], 5)
    assert result.data.a[0].get_bitstrings() == ["0", "1", "0"]
    assert result.data.b[1].get_bitstrings() == ["01", "10", "11"]
    assert result.metadata == {
        "shots": 3,
        "circuit_metadata": {"m": 1},
        "simulator_metadata": {"execution_time": 1.0},
    }


def test_probabilities_are_those_of_each_register() -> None:
    shown = ProbabilitiesShown((), [RegisterBits("a", [0]), RegisterBits("b", [1])], None)
    found = np.array([[0], [1], [3]], dtype=np.uint64), np.array([0.5, 0.25, 0.25])
    result = shown(0, [outcome("probabilities", found)], 5)
    assert result.data.a.tolist() == [0.5, 0.5]
    assert result.data.b.tolist() == [0.75, 0.25]
    assert result.joint() == {"00": 0.5, "01": 0.25, "11": 0.25}


def test_values_are_placed_and_errors_are_drawn_by_pub_and_seed() -> None:
    values = [outcome("expectation", np.array([[0.25, -1.0], [0.0, 0.0]]))]
    exact = EstimatedShown((3,), np.array([1, 0, 1]), 0.0, None)(0, values, 5)
    assert exact.data.evs.tolist() == [-1.0, 0.25, -1.0]
    assert exact.data.stds.tolist() == [0.0, 0.0, 0.0]
    shown = EstimatedShown((2000,), np.zeros(2000, dtype=int), 0.1, None)
    first, second, other = (
        shown(number, values, seed).data for number, seed in ((0, 5), (1, 5), (0, 5))
    )
    assert np.array_equal(first.evs, other.evs)
    assert not np.array_equal(first.evs, second.evs)
    assert abs(first.evs.std() - 0.1) < 0.01  # the standard error of this is 0.0016
    assert abs(first.evs.mean() - 0.25) < 0.01
    assert set(first.stds) == {0.1}
