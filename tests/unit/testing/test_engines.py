"""The kit for engines."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.engine_api import DenseEngine, Engine, ReferenceEngine
from simquay.testing import engines


@pytest.mark.parametrize("engine", [ReferenceEngine(), DenseEngine()], ids=lambda one: one.name)
def test_gates_may_follow_gates(engine: Engine) -> None:
    rng = np.random.default_rng(6)
    first = engines.random_gates(5, 20, rng)
    second = engines.random_gates(5, 20, rng, prepare=False)
    state = engines.evolve(engine, first, 5)
    engines.apply_gates(engine, state, second)
    expected = engines.evolve(ReferenceEngine(), [*first, *second], 5)
    np.testing.assert_allclose(
        engine.amplitudes(state), ReferenceEngine().amplitudes(expected), atol=1e-12
    )
