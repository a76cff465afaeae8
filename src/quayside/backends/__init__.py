"""Backends: Qiskit faces of engines. Called, ``quayside.backends()`` lists what there is.

It imports nothing before it is used: the plugin that registers Quayside's own backends lives here,
and must load where Qiskit does not. ``quayside.backends.adapt`` takes Qiskit.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from quayside.backends.adapted import adapt

__all__ = ["adapt"]


def __getattr__(name: str) -> Any:
    if name != "adapt":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module("quayside.backends.adapted").adapt


class _CallableModule(ModuleType):
    """``quayside.backends`` is a function's name and a package's name; this makes it both."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        # Imports point down, and the provider is above: the face of the house, which is loaded
        # whenever this package is, knows the way.
        return sys.modules["quayside"]._list_backends(*args, **kwargs)


sys.modules[__name__].__class__ = _CallableModule
