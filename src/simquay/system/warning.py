"""Warnings that point at the caller's code."""

from __future__ import annotations

import sys
import warnings

__all__ = ["warn"]


def warn(message: str, category: type[Warning]) -> None:
    """Warn at the nearest line outside Simquay, so that the warning points at the caller's code.

    By Python's default filters a message is shown once for each such line.
    """
    level = 1
    frame = sys._getframe()
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] == "simquay":
        frame = frame.f_back
        level += 1
    warnings.warn(message, category, stacklevel=level)
