"""The registry's lock: loading and probing happen once, whichever thread comes first."""

from __future__ import annotations

import os
import threading

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


if hasattr(os, "register_at_fork"):  # a thread that held it does not exist in the child
    os.register_at_fork(after_in_child=_renew)
