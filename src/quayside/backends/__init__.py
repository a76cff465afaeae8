"""Backends: Qiskit faces of engines. Called, ``quayside.backends()`` lists what there is.

It imports nothing: the plugin that registers Quayside's own backends lives here, and must load
where Qiskit does not.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _CallableModule(ModuleType):
    """``quayside.backends`` is a function's name and a package's name; this makes it both."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        # Imports point down, and the provider is above: the face of the house, which is loaded
        # whenever this package is, knows the way.
        return sys.modules["quayside"]._list_backends(*args, **kwargs)


sys.modules[__name__].__class__ = _CallableModule
