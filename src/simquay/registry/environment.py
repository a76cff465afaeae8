"""The environment variables of the registry, and how their values are read.

A variable with an empty value counts as not set.
"""

from __future__ import annotations

import os

from simquay.errors import RegistryError

__all__ = [
    "BACKEND",
    "DISABLE_PLUGINS",
    "FALLBACK",
    "LOAD_PLUGINS",
    "STRICT_PLUGINS",
    "read_flag",
    "read_list",
]

BACKEND = "SIMQUAY_BACKEND"
"""The backend, or list of backends, to use if the caller names none."""

FALLBACK = "SIMQUAY_FALLBACK"
"""The list of backends to try last if every named one is unavailable; using one is logged."""

DISABLE_PLUGINS = "SIMQUAY_DISABLE_PLUGINS"
"""The list of plugins that are not loaded."""

LOAD_PLUGINS = "SIMQUAY_LOAD_PLUGINS"
"""The list of the only plugins that are loaded in addition to Simquay's own."""

STRICT_PLUGINS = "SIMQUAY_STRICT_PLUGINS"
"""On: a plugin that does not load, or that claims a taken name, is an error, not a warning."""

_ON = ("1", "true", "yes", "on")
_OFF = ("", "0", "false", "no", "off")


def _read(variable: str) -> str:
    """The variable's value without surrounding blanks; empty if it is not set."""
    return os.environ.get(variable, "").strip()


def read_list(variable: str) -> tuple[str, ...]:
    """The variable's comma-separated items, without surrounding blanks and empty items."""
    return tuple(item.strip() for item in _read(variable).split(",") if item.strip())


def read_flag(variable: str) -> bool:
    """Whether the variable is on.

    Raises:
        RegistryError: if its value means neither on nor off.
    """
    value = _read(variable).lower()
    if value in _ON:
        return True
    if value in _OFF:
        return False
    raise RegistryError(
        f"{variable}={value!r}: expected one of {', '.join(_ON)} or {', '.join(_OFF[1:])}"
    )
