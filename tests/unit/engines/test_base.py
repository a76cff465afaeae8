"""The version that an engine is written for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from simquay.control import Control
from simquay.engines.base import Engine
from simquay.engines.numpy.engine import DenseEngine
from simquay.engines.reference import ReferenceEngine
from simquay.errors import PluginError
from simquay.planning import make_plan
from simquay.program import Precision
from simquay.program.gates import Prepare


def test_an_engine_for_another_version_of_the_api_is_refused_by_name() -> None:
    with pytest.raises(PluginError, match=r"NewEngine is written for version 2 .* has version 1"):

        class NewEngine(ReferenceEngine):
            engine_api = 2


@pytest.mark.parametrize("engine", [ReferenceEngine(), DenseEngine()])
def test_vectors_are_overwritten_by_those_of_another_layout(engine: Engine) -> None:
    # Qubits 0 and 1 of the one, and qubits 2 and 0 of the other, are in basis states 0, 1, 2.
    def states(qubits: tuple[int, ...]) -> Any:
        parts = []
        for row in np.eye(4, dtype=complex)[:3]:
            one = engine.allocate(3, Precision.DOUBLE, capacity=3)
            profile = engine.profile(Precision.DOUBLE, 3)
            engine.apply(one, make_plan([Prepare(row, qubits)], one.layout, profile), Control())
            parts.append((one, [0]))
        return engine.select(parts)

    found = engine.overwritten(states((0, 1)), [0, 2], states((2, 0)), [2, 1])
    amplitudes = engine.amplitudes(found)
    assert [int(np.flatnonzero(row)[0]) for row in amplitudes] == [1, 1, 4]
