"""States after gates, from the reference engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from simquay.engine_api import GateOperation, Precision, ReferenceEngine
from simquay.testing.engines import evolve

__all__ = ["BOTH", "REFERENCE", "TOLERANCE", "evolve", "oracle"]

REFERENCE = ReferenceEngine()

TOLERANCE = {Precision.SINGLE: 1e-5, Precision.DOUBLE: 1e-12}

BOTH = pytest.mark.parametrize("precision", list(Precision), ids=lambda p: p.value)


def oracle(gates: Sequence[GateOperation], qubits: int) -> Any:
    """The reference engine's state, in double precision."""
    return evolve(REFERENCE, gates, qubits)
