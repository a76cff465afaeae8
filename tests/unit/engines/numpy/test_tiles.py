"""Cluster passes on tiles: threads, and cancellation between tiles."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.control import Control
from simquay.engines.numpy.engine import DenseEngine
from simquay.errors import Cancelled
from simquay.planning import Layout, make_plan
from simquay.program import Matrix, Precision
from tests.support.gate_lists import random_gates


def test_cancelling_stops_between_tiles() -> None:
    """One pass of many tiles: it must not take all of them."""
    n = 20
    gates = [Matrix(np.eye(2) + 0j, (q,)) for q in range(n)]
    for threads in (1, 2):
        engine = DenseEngine(threads=threads)
        state = engine.allocate(n, Precision.SINGLE, capacity=n)
        state.grow(range(n))
        plan = make_plan(gates, Layout(tuple(range(n))), engine.profile(Precision.SINGLE, n))

        class Stops(Control):
            """Cancels itself at the third look, and counts the looks."""

            __slots__ = ("looks",)

            def check(self) -> None:
                self.looks = getattr(self, "looks", 0) + 1
                if self.looks == 3:
                    self.cancel()
                super().check()

            def section(self, low: float, high: float) -> Control:
                return self

        control = Stops()
        with pytest.raises(Cancelled):
            engine.apply(state, plan, control)
        assert control.looks <= 3 + threads


def test_threads_do_not_change_the_result() -> None:
    rng = np.random.default_rng(1)
    gates = random_gates(17, 60, rng)
    results = []
    for threads in (1, 2, 5):
        engine = DenseEngine(threads=threads)
        state = engine.allocate(17, Precision.DOUBLE, capacity=17)
        engine.apply(
            state, make_plan(gates, Layout(), engine.profile(Precision.DOUBLE, 17)), Control()
        )
        results.append(engine.amplitudes(state))
    np.testing.assert_allclose(results[1], results[0], atol=1e-13)
    np.testing.assert_allclose(results[2], results[0], atol=1e-13)
