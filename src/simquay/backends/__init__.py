"""Backends: Qiskit faces of engines. Called, ``simquay.backends()`` lists what there is.

It imports nothing before it is used: the plugin that registers Simquay's own backends lives here,
and must load where Qiskit does not. ``simquay.backends.adapt`` takes Qiskit.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simquay.backends.adapted import adapt

__all__ = ["adapt"]


def __getattr__(name: str) -> Any:
    if name != "adapt":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module("simquay.backends.adapted").adapt


class _CallableModule(ModuleType):
    """``simquay.backends`` is a function's name and a package's name; this makes it both."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        # Imports point down, and the provider is above: the face of the house, which is loaded
        # whenever this package is, knows the way.
        return sys.modules["simquay"]._list_backends(*args, **kwargs)


sys.modules[__name__].__class__ = _CallableModule
