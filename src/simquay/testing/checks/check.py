"""What a check is, and the list of all checks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from simquay.testing.harness.context import CheckContext

__all__ = ["CHECKS", "Check", "all_checks", "check"]


@dataclass(frozen=True, slots=True)
class Check:
    """One check of the kit.

    Attributes:
        id: ``J01`` to ``J40``, a point of the job contract; ``B..`` of the backend, ``R..`` of
            results, ``V..`` of values.
        name: as an identifier, without the id.
        title: what it checks, in one line.
        function: runs the check; raises :class:`~simquay.testing.CheckFailed` if the backend fails.
    """

    id: str
    name: str
    title: str
    function: Callable[[CheckContext], None]

    @property
    def is_point(self) -> bool:
        """Whether it checks a point of the job contract."""
        return self.id.startswith("J")


CHECKS: dict[str, Check] = {}
"""Every check by its id, in the order of registration; see :func:`all_checks`."""


def check(function: Callable[[CheckContext], None]) -> Callable[[CheckContext], None]:
    """Register a function ``j01_a_name``, whose docstring is the title.

    Raises:
        ValueError: if another check has this id.
    """
    identity, _, name = function.__name__.partition("_")
    identity = identity.upper()
    title = (function.__doc__ or "").strip().splitlines()[0].rstrip(".")
    if identity in CHECKS:
        raise ValueError(f"two checks are called {identity}")
    CHECKS[identity] = Check(identity, name, title, function)
    return function


def all_checks() -> tuple[Check, ...]:
    """All checks: the points in order, then the backend's, the results', the values'."""
    order = "JBRV"
    return tuple(CHECKS[one] for one in sorted(CHECKS, key=lambda one: (order.index(one[0]), one)))
