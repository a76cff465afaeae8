"""What a check is, and the list of all checks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from simquay.testing.harness.context import CheckContext

__all__ = ["CHECKS", "Check", "all_checks", "as_check", "check"]

Subject = TypeVar("Subject")
"""The thing that is checked: a backend, in its context, or an engine."""


@dataclass(frozen=True, slots=True)
class Check(Generic[Subject]):
    """One check of the kit.

    Attributes:
        id: ``J01`` to ``J40``, a point of the job contract; ``B..`` of the backend, ``R..`` of
            results, ``V..`` of values, ``E..`` of an engine.
        name: as an identifier, without the id.
        title: what it checks, in one line.
        function: runs the check; raises :class:`~simquay.testing.CheckFailed` if it fails.
    """

    id: str
    name: str
    title: str
    function: Callable[[Subject], None]

    def __str__(self) -> str:
        return f"{self.id}_{self.name}"

    @property
    def is_point(self) -> bool:
        """Whether it checks a point of the job contract."""
        return self.id.startswith("J")


CHECKS: dict[str, Check[CheckContext]] = {}
"""Every check by its id, in the order of registration; see :func:`all_checks`."""


def as_check(function: Callable[[Subject], None]) -> Check[Subject]:
    """The check of a function ``j01_a_name``, whose docstring is the title."""
    identity, _, name = function.__name__.partition("_")
    title = " ".join((function.__doc__ or "").split("\n\n")[0].split()).rstrip(".")
    return Check(identity.upper(), name, title, function)


def check(function: Callable[[CheckContext], None]) -> Callable[[CheckContext], None]:
    """Register a function ``j01_a_name``, whose docstring is the title.

    Raises:
        ValueError: if another check has this id.
    """
    made = as_check(function)
    if made.id in CHECKS:
        raise ValueError(f"two checks are called {made.id}")
    CHECKS[made.id] = made
    return function


def all_checks() -> tuple[Check[CheckContext], ...]:
    """All checks: the points in order, then the backend's, the results', the values'."""
    order = "JBRV"
    return tuple(CHECKS[one] for one in sorted(CHECKS, key=lambda one: (order.index(one[0]), one)))
