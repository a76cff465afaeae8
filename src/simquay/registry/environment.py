"""The environment variables of the registry: their meaning, and how they are read.

A variable with an empty value counts as not set.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from simquay.errors import RegistryError

__all__ = [
    "BACKEND",
    "DISABLE_PLUGINS",
    "FALLBACK",
    "LOAD_PLUGINS",
    "STRICT_PLUGINS",
    "VARIABLES",
    "Variable",
    "read_flag",
    "read_list",
    "read_text",
]


@dataclass(frozen=True, slots=True)
class Variable:
    """An environment variable that Simquay reads.

    Attributes:
        name: ``SIMQUAY_...``.
        meaning: its effect, in one sentence.
        example: a possible value.
    """

    name: str
    meaning: str
    example: str


BACKEND = Variable(
    "SIMQUAY_BACKEND",
    "The backend, or comma-separated chain of backends, to use if the caller names none.",
    "numpy",
)
FALLBACK = Variable(
    "SIMQUAY_FALLBACK",
    "The backends, comma-separated, to try last if every named one is unavailable; "
    "using one is logged, not warned of.",
    "cpu",
)
DISABLE_PLUGINS = Variable(
    "SIMQUAY_DISABLE_PLUGINS",
    "The plugins, comma-separated, that are not loaded.",
    "simquay-cupy,simquay-numba",
)
LOAD_PLUGINS = Variable(
    "SIMQUAY_LOAD_PLUGINS",
    "The only plugins, comma-separated, that are loaded in addition to Simquay's own.",
    "simquay-numba",
)
STRICT_PLUGINS = Variable(
    "SIMQUAY_STRICT_PLUGINS",
    "1: a plugin that does not load, or that claims a taken name, is an error, not a warning.",
    "1",
)

VARIABLES = (BACKEND, FALLBACK, DISABLE_PLUGINS, LOAD_PLUGINS, STRICT_PLUGINS)
"""Every variable that the registry reads. The documentation's table is tested against it."""

_ON = ("1", "true", "yes", "on")
_OFF = ("", "0", "false", "no", "off")


def read_text(variable: Variable) -> str:
    """The variable's value without surrounding blanks; empty if it is not set."""
    return os.environ.get(variable.name, "").strip()


def read_list(variable: Variable) -> tuple[str, ...]:
    """The variable's comma-separated items, without surrounding blanks and empty items."""
    return tuple(item.strip() for item in read_text(variable).split(",") if item.strip())


def read_flag(variable: Variable) -> bool:
    """Whether the variable is on.

    Raises:
        RegistryError: if its value means neither on nor off.
    """
    value = read_text(variable).lower()
    if value in _ON:
        return True
    if value in _OFF:
        return False
    raise RegistryError(
        f"{variable.name}={value!r}: expected one of {', '.join(_ON)} or {', '.join(_OFF[1:])}"
    )
