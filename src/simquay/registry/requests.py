"""What the caller and the environment wish for, as one chain of names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from simquay.registry import environment
from simquay.registry.names import folded

__all__ = ["Wish", "read_wishes"]

DEFAULT = "auto"


@dataclass(frozen=True, slots=True)
class Wish:
    """One name to try.

    Attributes:
        name: folded: a backend's name or alias, ``distribution:name``, ``auto``, ``cpu``, ``gpu``.
        variable: the environment variable that says it; empty where the caller does.
        quiet: whether taking it as a fallback is only logged.
    """

    name: str
    variable: str = ""
    quiet: bool = False

    @property
    def origin(self) -> str:
        """For messages: empty, or in brackets the environment variable that says it."""
        return f" (named by {self.variable})" if self.variable else ""


def read_wishes(name: str | None, fallback: str | Iterable[str] | None) -> list[Wish]:
    """The names to try, in order and each once: ``name`` (where it is ``None``,
    ``SIMQUAY_BACKEND``, else ``auto``), then ``fallback``, then ``SIMQUAY_FALLBACK``.

    Raises:
        TypeError: if a name is not a string.
        ValueError: if ``name`` is a string without any name in it.
    """
    if name is None:
        named = environment.read_list(environment.BACKEND)
        wishes = [Wish(folded(item), environment.BACKEND.name) for item in named]
        wishes = wishes or [Wish(DEFAULT)]
    else:
        wishes = [Wish(item) for item in _names(name, "name")]
        if not wishes:
            raise ValueError(
                f"backend name {name!r} is empty: expected a name such as 'numpy', 'gpu', 'cpu' "
                "or 'auto', or None for the default"
            )
    if fallback is not None:
        for part in (fallback,) if isinstance(fallback, str) else fallback:
            wishes += [Wish(item) for item in _names(part, "fallback")]
    variable = environment.FALLBACK
    wishes += [
        Wish(folded(item), variable.name, quiet=True) for item in environment.read_list(variable)
    ]
    first: dict[str, Wish] = {}
    for wish in wishes:
        first.setdefault(wish.name, wish)
    return list(first.values())


def _names(text: object, what: str) -> list[str]:
    if not isinstance(text, str):
        raise TypeError(
            f"{what} {text!r} is a {type(text).__name__}: expected a backend's name as a string"
        )
    return [folded(item) for item in text.split(",") if item.strip()]
