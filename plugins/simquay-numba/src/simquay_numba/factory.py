"""The factory of the backend ``numba``: a new backend each time, one engine for the process."""

from __future__ import annotations

import functools

from simquay.plugin import BackendSpec
from simquay.simulators.engine.backend import EngineBackend
from simquay_numba.engine import NumbaEngine

__all__ = ["make_backend"]


@functools.cache
def _engine() -> NumbaEngine:
    return NumbaEngine()


def make_backend(spec: BackendSpec) -> EngineBackend:
    """The backend ``numba``."""
    return EngineBackend(_engine(), name=spec.name, spec=spec)
