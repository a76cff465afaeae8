"""Names: which backend a name means, and the record of a choice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from simquay.registry.records import Registered, normalized

__all__ = ["Catalogue", "Resolution", "folded"]


def folded(name: str) -> str:
    """``name`` as names are compared: without surrounding blanks, in lower case.

    Raises:
        TypeError: if it is not a string.
    """
    if not isinstance(name, str):
        raise TypeError(
            f"name {name!r} is a {type(name).__name__}: expected a backend's name as a string"
        )
    return name.strip().lower()


@dataclass(frozen=True, slots=True)
class Resolution:
    """How a backend was chosen. The provider puts it on the backend as
    ``simquay_resolution``, and ``job.metadata`` says from it what ran.

    Attributes:
        requested: what was asked for, before any fallback: a name, ``auto``, ``cpu`` or ``gpu``.
        name: the canonical name of the backend that was taken.
        distribution: the distribution that registers it.
        version: that distribution's version.
        device: ``cpu`` or ``gpu``.
        fallback_from: what could not be had, where a fallback was taken; otherwise ``None``.
        reason: why it could not; empty where no fallback was taken.
    """

    requested: str
    name: str
    distribution: str
    version: str
    device: str
    fallback_from: str | None = None
    reason: str = ""


class Catalogue:
    """The registered backends by name.

    The rules: a canonical name beats an alias; several claims of the same kind make that name,
    and only that name, ambiguous; ``distribution:name`` applies the same rules to the backends
    of one distribution. The order in which plugins were installed or loaded plays no part.
    """

    __slots__ = ("_aliases", "_names", "entries")

    def __init__(self, registered: Iterable[Registered]) -> None:
        #: All backends, sorted by name and distribution.
        self.entries = tuple(sorted(registered, key=lambda one: (one.name, one.distribution)))
        self._names: dict[str, list[Registered]] = {}
        self._aliases: dict[str, list[Registered]] = {}
        for entry in self.entries:
            self._names.setdefault(entry.name, []).append(entry)
            for alias in set(entry.spec.aliases) - {entry.name}:
                self._aliases.setdefault(alias, []).append(entry)

    def claims(self, name: str) -> tuple[Registered, ...]:
        """The backends that ``name`` (folded, perhaps qualified) means: none, one or several."""
        distribution, colon, rest = name.rpartition(":")
        owner = normalized(distribution)
        for claims in (self._names.get(rest, ()), self._aliases.get(rest, ())):
            of_owner = tuple(e for e in claims if not colon or e.distribution == owner)
            if of_owner:
                return of_owner
        return ()

    def conflicts(self) -> Mapping[str, tuple[Registered, ...]]:
        """The ambiguous names, sorted, and who claims each."""
        every = sorted(self._names.keys() | self._aliases.keys())
        return {name: claims for name in every if len(claims := self.claims(name)) > 1}

    def aliases(self, entry: Registered) -> tuple[str, ...]:
        """The aliases by which ``entry`` is found: not those that a canonical name hides."""
        return tuple(a for a in entry.spec.aliases if self.claims(a) == (entry,))

    def close_matches(self, name: str, more: Iterable[str] = ()) -> list[str]:
        """Up to three names, of the catalogue's and of ``more``, that look like ``name``."""
        if ":" not in name:
            known = sorted({*self._names, *self._aliases, *more})
            return get_close_matches(name, known, n=3, cutoff=0.6)
        same = [entry.qualified for entry in self.claims(name.rpartition(":")[2])]
        known = sorted(entry.qualified for entry in self.entries)
        close = get_close_matches(name, known, n=3, cutoff=0.6)
        return list(dict.fromkeys([*same, *close]))[:3]
