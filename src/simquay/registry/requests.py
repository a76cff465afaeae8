"""Requests: the names to try, from the caller's arguments and from the environment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from simquay.registry import environment
from simquay.registry.catalog import normalize_name

__all__ = ["Request", "parse_requests"]

DEFAULT = "auto"


@dataclass(frozen=True, slots=True)
class Request:
    """One name to try.

    Attributes:
        name: normalized: a backend's name or alias, ``distribution:name``, ``auto``, ``cpu`` or
            ``gpu``.
        variable: the environment variable that names it; empty if the caller does.
        quiet: whether choosing it as a fallback is logged instead of warned of.
    """

    name: str
    variable: str = ""
    quiet: bool = False

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
        named = environment.read_list(environment.BACKEND)
        requests = [Request(normalize_name(item), environment.BACKEND) for item in named]
        requests = requests or [Request(DEFAULT)]
    else:
        requests = [Request(item) for item in _names(name, "name")]
        if not requests:
            raise ValueError(
                f"backend name {name!r} is empty: expected a name such as 'numpy', 'gpu', 'cpu' "
                "or 'auto', or None for the default"
            )
    if fallback is not None:
        for part in (fallback,) if isinstance(fallback, str) else fallback:
            requests += [Request(item) for item in _names(part, "fallback")]
    requests += [
        Request(normalize_name(item), environment.FALLBACK, quiet=True)
        for item in environment.read_list(environment.FALLBACK)
    ]
    first: dict[str, Request] = {}
    for request in requests:
        first.setdefault(request.name, request)
    return list(first.values())


def _names(text: object, argument: str) -> list[str]:
    """The normalized names in a comma-separated list."""
    if not isinstance(text, str):
        raise TypeError(
            f"{argument} {text!r} is a {type(text).__name__}: expected a backend's name as a string"
        )
    return [normalize_name(item) for item in text.split(",") if item.strip()]
