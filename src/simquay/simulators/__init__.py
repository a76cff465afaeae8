"""Qiskit backends: Simquay's engines as backends, and third-party backends with Simquay's jobs.

Takes an engine, or a Qiskit ``BackendV2``. Gives a ``BackendV2`` whose ``run`` returns a job that
keeps the contract. Read ``engine/backend.py`` first, then ``adapted/backend.py``.

Importing this package imports no Qiskit: ``builtin``, which registers the built-in backends, must
load where Qiskit does not. ``adapt`` is imported on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simquay.simulators.adapted.backend import adapt

__all__ = ["adapt"]


def __getattr__(name: str) -> Any:
    if name != "adapt":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module("simquay.simulators.adapted.backend").adapt
