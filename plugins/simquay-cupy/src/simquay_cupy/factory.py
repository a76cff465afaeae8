"""The factory of the backend ``cupy``: a new backend each time, one engine for the process."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from simquay.plugin import BackendSpec
from simquay_cupy.engine import CupyEngine

if TYPE_CHECKING:
    from simquay.simulators.engine.backend import EngineBackend

__all__ = ["make_cupy", "make_engine"]

_lock = threading.Lock()
_engine: CupyEngine | None = None


def make_engine() -> CupyEngine:
    """The process's engine, on the first visible CUDA device. This starts CUDA."""
    global _engine
    with _lock:
        if _engine is None:
            from simquay_cupy.device.cuda import CudaDevice

            _engine = CupyEngine(CudaDevice())
        return _engine


def make_cupy(spec: BackendSpec) -> EngineBackend:
    """The backend ``cupy``."""
    from simquay.simulators.engine.backend import EngineBackend

    return EngineBackend(make_engine(), name=spec.name, spec=spec)
