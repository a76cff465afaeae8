"""Results that are means over branches: how they are read, added up, and what they take."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.control import Control
from simquay.engines.numpy.engine import DenseEngine
from simquay.execution.branching.steps import measurement_event
from simquay.execution.kinds import needed_bytes, of_one_state, result_bytes
from simquay.execution.observables.values import Estimates
from simquay.execution.results import End, Expectation, Probabilities
from simquay.execution.run import run_program
from simquay.execution.settings import RunContext
from simquay.planning import make_plan
from simquay.program import Measure, Precision, Program
from tests.support.observables import observable
from tests.support.small_gates import cx, h, x


def test_a_mean_and_the_standard_error_of_weighted_trajectories() -> None:
    kind = Expectation()
    values = [np.array([[mean, 7.0], [0.0, 0.0]]) for mean in (1.0, -1.0, 0.5)]
    shots = np.array([30, 50, 20])
    total = kind.add(None, values[:2], (shots[:2] / 100).tolist())
    total = kind.add(total, values[2:], (shots[2:] / 100).tolist())
    every = np.repeat([1.0, -1.0, 0.5], shots)
    error = every.std(ddof=1) / 10
    np.testing.assert_allclose(kind.mean(total, 100), [[every.mean(), 7], [error, 0]], atol=1e-12)
    np.testing.assert_allclose(kind.mean(total, 0), [[every.mean(), 7], [0, 0]], atol=1e-12)
    np.testing.assert_allclose(kind.mean(total, 1)[1], 0)


def test_the_distribution_of_bits_that_are_measured_last_and_of_those_known_before() -> None:
    engine, kind = DenseEngine(), Probabilities()
    state = engine.allocate(5, Precision.DOUBLE, capacity=3, batch=2)
    plan = make_plan((h(0), cx(0, 1), x(2)), state.layout, engine.profile(Precision.DOUBLE, 3))
    engine.apply(state, plan, Control())
    # Bit 70 is written twice, and qubit 4 is not stored.
    writes = (Measure(2, 70), Measure(0, 70), Measure(1, 1), Measure(2, 64), Measure(4, 5))
    bits = (0, 1 << 90 | 1 << 3)
    end = End((0, 0), measurement_event(writes), (), 100, bits, Control())
    found = kind.read(engine, state, RunContext(shots=0), end)
    for (words, weights), known in zip(found, bits, strict=True):
        values = [low | high << 64 for low, high in words.tolist()]
        assert dict(zip(values, weights.tolist(), strict=True)) == {
            known | 1 << 64: pytest.approx(0.5),
            known | 1 << 64 | 1 << 70 | 1 << 1: pytest.approx(0.5),
        }
    words, weights = kind.mean(kind.add(None, found, [0.25, 0.75]), 0)
    assert words.shape == (4, 2)
    assert sorted(weights.tolist()) == pytest.approx([0.125, 0.125, 0.375, 0.375])


def test_results_of_means_are_reserved_and_samples_are_not() -> None:
    engine, program = DenseEngine(), Program(4, 3, (h(0), Measure(0, 0)))
    some = tuple(observable(4, {"IIZZ": 1.0, "XXII": 2.0}) for _ in range(3))
    estimates = Estimates(some, ((0,), (0, 1, 2)))
    context = RunContext(shots=0, wanted={"expectation": estimates})
    state = engine.required_bytes(1, Precision.DOUBLE)
    assert result_bytes(program, engine, context, 0, True) == (3 * 16, 0)
    need = needed_bytes(program, engine, context, 0)
    assert 3 * 16 + 6 * 5 * 8 < need - state < 3000
    distribution = RunContext(shots=0, wanted={"probabilities": True})
    assert result_bytes(program, engine, distribution, 0, True) == (2 * 16, 0)
    assert needed_bytes(program, engine, distribution, 0) == state + 3 * 2 * 16
    assert not of_one_state(context)
    assert of_one_state(RunContext(wanted={"probabilities": True, "statevector": True}))


def test_a_circuit_number_decides_which_observables_are_read() -> None:
    some = (observable(1, {"Z": 1.0}), observable(1, {"Z": 2.0}))
    context = RunContext(shots=0, wanted={"expectation": Estimates(some, ((0,), (1, 0)))})
    outcome = run_program(Program(1, 0, (x(0),)), DenseEngine(), context, Control())
    np.testing.assert_allclose(outcome["expectation"], [[-1], [0]])
