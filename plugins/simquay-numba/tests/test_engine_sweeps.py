"""Parameter sweeps: small states run in batches, as the NumPy engine runs them."""

from __future__ import annotations

from simquay.engine_api import Precision
from simquay_numba.engine import NumbaEngine


def test_only_states_that_run_as_the_numpy_engine_runs_them() -> None:
    for small, most in ((12, 11), (3, 2), (0, -1)):
        assert NumbaEngine(small=small).sweep_qubits(Precision.DOUBLE) == most
