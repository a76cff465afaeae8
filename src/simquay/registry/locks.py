"""The registry's lock: loading and probing happen once, whichever thread comes first."""

from __future__ import annotations

import threading

from simquay.system.lifecycle import after_fork

__all__ = ["registry_lock"]

# One lock for all registries: what they guard, importing plugins, is the whole process's.
# Re-entrant, so that a plugin that asks for a backend while it loads is told so and not hung.
_lock = threading.RLock()


def registry_lock() -> threading.RLock:
    """The lock that is held while plugins load or probes run."""
    return _lock


def _renew() -> None:
    global _lock
    _lock = threading.RLock()


after_fork(_renew)  # a thread that held it does not exist in the child
