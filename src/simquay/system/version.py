"""The version of the installed Simquay."""

from __future__ import annotations

import functools
from importlib.metadata import version

__all__ = ["simquay_version"]


@functools.cache
def simquay_version() -> str:
    """The version of the distribution ``simquay``; read once, from its metadata on disk."""
    return version("simquay")
