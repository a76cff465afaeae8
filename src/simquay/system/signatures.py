"""The parameters of functions that others wrote, whatever their annotations are."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable

__all__ = ["signature_of"]


def signature_of(function: Callable[..., object]) -> inspect.Signature:
    """The signature of ``function``. Its annotations are not evaluated: since Python 3.14 that may
    raise errors of any class, as where a name is imported for type checkers alone.

    Raises:
        TypeError, ValueError: as ``inspect.signature``.
    """
    if sys.version_info >= (3, 14):
        from annotationlib import Format

        return inspect.signature(function, annotation_format=Format.STRING)
    return inspect.signature(function)
