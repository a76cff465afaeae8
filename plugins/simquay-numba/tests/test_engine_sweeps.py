"""Parameter sweeps: small states run in batches."""

from __future__ import annotations

from simquay.engine_api import Precision
from simquay_numba.engine import NumbaEngine


def test_states_of_a_few_more_qubits_than_run_as_the_numpy_engine_runs_them() -> None:
    for small, most in ((12, 14), (3, 5), (0, 2)):
        assert NumbaEngine(small=small).sweep_qubits(Precision.DOUBLE) == most
