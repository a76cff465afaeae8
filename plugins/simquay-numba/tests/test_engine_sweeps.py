"""Parameter sweeps: small states run in batches, as the NumPy engine runs them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from qiskit.quantum_info import Statevector

from simquay.program import Precision
from simquay.simulators.engine.backend import EngineBackend
from simquay_numba.engine import NumbaEngine
from tests.support.sweeps import OneByOneEngine, sweep

LONG = 60.0


class WatchedNumba(NumbaEngine):
    """Counts sweeps."""

    sweeps = 0

    def apply_sweep(self, *arguments: Any) -> None:
        self.sweeps += 1
        super().apply_sweep(*arguments)


def test_only_states_that_run_as_the_numpy_engine_runs_them() -> None:
    for small, most in ((12, 11), (3, 2), (0, -1)):
        assert NumbaEngine(small=small).sweep_qubits(Precision.DOUBLE) == most


@pytest.mark.parametrize("num_qubits", [2, 7, 10, 11, 12])
def test_counts_are_those_of_the_numpy_engine_one_by_one(num_qubits: int) -> None:
    # Rounding differs between engines; 8 x 500 draws over at most 4,096 outcomes: one within 1e-12
    # of a boundary has a chance below 1e-4, and the seeds are fixed.
    engine = WatchedNumba()
    circuits = sweep(num_qubits, 8, num_qubits)
    found, expected = (
        EngineBackend(engine, name="any").run(circuits, shots=500, seed_simulator=9).result(LONG)
        for engine in (engine, OneByOneEngine())
    )
    assert found.get_counts() == expected.get_counts()
    assert (engine.sweeps > 0) is (num_qubits < 12)


@pytest.mark.parametrize("precision", ["single", "double"])
def test_states_are_those_of_qiskit(precision: str) -> None:
    circuits = sweep(6, 5, 1, measure=False)
    backend = EngineBackend(NumbaEngine(), name="numba")
    result = backend.run(circuits, statevector=True, precision=precision).result(LONG)
    tolerance = 1e-12 if precision == "double" else 1e-5
    for number, circuit in enumerate(circuits):
        state = np.asarray(result.get_statevector(number))
        np.testing.assert_allclose(state, Statevector(circuit).data, atol=tolerance)
