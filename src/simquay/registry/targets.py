"""The dotted strings of a spec, ``module:callable``, made into what they name."""

from __future__ import annotations

from importlib import import_module
from operator import attrgetter
from typing import Any

__all__ = ["load_target"]


def load_target(target: str) -> Any:
    """The object that ``module:attribute`` (or ``module:a.b``) names.

    It imports the module, so it may raise whatever that raises; call it inside the guard.
    """
    module, _, attribute = target.partition(":")
    return attrgetter(attribute)(import_module(module))
