"""Requests: the names to try, from the caller's arguments and from the environment.

All environment variables of the registry are read here. An empty value counts as not set.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

from simquay.errors import RegistryError
from simquay.registry.catalog import normalize_name
from simquay.system.variables import JOB_STORE

__all__ = [
    "BACKEND",
    "DISABLE_PLUGINS",
    "FALLBACK",
    "LOAD_PLUGINS",
    "STRICT_PLUGINS",
    "VARIABLES",
    "Request",
    "parse_requests",
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

VARIABLES = (BACKEND, FALLBACK, DISABLE_PLUGINS, LOAD_PLUGINS, STRICT_PLUGINS, JOB_STORE)
"""All environment variables of Simquay."""

_ON = ("1", "true", "yes", "on")
_OFF = ("0", "false", "no", "off")


@dataclass(frozen=True, slots=True)
class Request:
    """One name to try.

    Attributes:
        name: normalized: a backend's name or alias, ``distribution:name``, ``auto``, ``cpu`` or
            ``gpu``.
        variable: the environment variable that names it; empty if the caller does.
    """

    name: str
    variable: str = ""

    @property
    def origin(self) -> str:
        """For messages: in brackets, the environment variable that names it; empty without one."""
        return f" (named by {self.variable})" if self.variable else ""


def parse_requests(name: str | None, fallback: str | Iterable[str] | None) -> list[Request]:
    """The names to try, in order and each once.

    First ``name``, or if it is ``None``, ``SIMQUAY_BACKEND``, or if that is not set, ``auto``.
    Then ``fallback``. Then ``SIMQUAY_FALLBACK``.

    Raises:
        TypeError: if a name is not a string.
        ValueError: if ``name`` is a string without any name in it.
    """
    if name is None:
        requests = [Request(item, BACKEND) for item in read_list(BACKEND)] or [Request("auto")]
    else:
        requests = [Request(item) for item in _items(normalize_name(name))]
        if not requests:
            raise ValueError(
                f"backend name {name!r} is empty: expected a name such as 'numpy', 'gpu', 'cpu' "
                "or 'auto', or None for the default"
            )
    if fallback is not None:
        for part in (fallback,) if isinstance(fallback, str) else fallback:
            requests += [Request(item) for item in _items(normalize_name(part, "fallback"))]
    requests += [Request(item, FALLBACK) for item in read_list(FALLBACK)]
    first: dict[str, Request] = {}
    for request in requests:
        first.setdefault(request.name, request)
    return list(first.values())


def read_list(variable: str) -> tuple[str, ...]:
    """The variable's comma-separated items, in lower case and without blanks and empty items."""
    return _items(os.environ.get(variable, "").lower())


def read_flag(variable: str) -> bool:
    """Whether the variable is on.

    Raises:
        RegistryError: if its value means neither on nor off.
    """
    value = os.environ.get(variable, "").strip().lower()
    if value and value not in (*_ON, *_OFF):
        raise RegistryError(
            f"{variable}={value!r}: expected one of {', '.join(_ON)} or {', '.join(_OFF)}"
        )
    return value in _ON


def _items(text: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in text.split(",") if item.strip())
