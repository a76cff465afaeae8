"""Objects named by strings: the factories and probes of plugins, known by name until they run."""

from __future__ import annotations

from importlib import import_module
from operator import attrgetter
from typing import Any

__all__ = ["load_object"]


def load_object(target: str) -> Any:
    """The object that ``module:attribute`` (or ``module:a.b``) names.

    Raises:
        Exception: any that importing the module raises.
        AttributeError: if the module has no such attribute.
    """
    module, _, attribute = target.partition(":")
    return attrgetter(attribute)(import_module(module))
