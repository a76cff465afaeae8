"""What a check is, how the functions of modules become checks, and the verdict of one."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Generic, TypeVar

from simquay.testing.harness.assertions import described

__all__ = ["Check", "Verdict", "checks_of", "verdict_of"]

Subject = TypeVar("Subject")
"""The thing that is checked: a backend, in its context, an engine, or a trial of a fault."""


@dataclass(frozen=True, slots=True)
class Check(Generic[Subject]):
    """One check of the kit.

    Attributes:
        id: ``J01`` to ``J43``, a point of the job contract; ``B..`` of the backend, ``R..`` of
            results, ``V..`` of values, ``E..`` of an engine, ``F..`` of a job under a fault.
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


def checks_of(*modules: ModuleType) -> tuple[Check[Any], ...]:
    """The checks that modules define: a function ``j01_a_name`` is one, its docstring the title.

    They are in order: points of the contract, the backend, results, values, engines, faults.

    Raises:
        ValueError: if two checks have the same id.
    """
    checks: dict[str, Check[Any]] = {}
    for module in modules:
        for name, function in vars(module).items():
            match = re.fullmatch(r"([jbrvef]\d\d)_(\w+)", name)
            if match is None or function.__module__ != module.__name__:
                continue
            identity = match[1].upper()
            if identity in checks:
                raise ValueError(f"two checks are called {identity}")
            title = " ".join((function.__doc__ or "").split("\n\n")[0].split()).rstrip(".")
            checks[identity] = Check(identity, match[2], title, function)
    return tuple(sorted(checks.values(), key=lambda one: ("JBRVEF".index(one.id[0]), one.id)))


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of a check.

    Attributes:
        check: which one.
        problem: what is wrong, in words; empty if the backend passed.
        seconds: the time it took.
    """

    check: Check[Any]
    problem: str
    seconds: float

    @property
    def kept(self) -> bool:
        """Whether the backend passed."""
        return not self.problem


def verdict_of(check: Check[Any], call: Callable[[], None]) -> Verdict:
    """The verdict that ``call()``, which runs the check, makes: any error is a problem."""
    started = time.perf_counter()
    problem = ""
    try:
        call()
    except Exception as error:  # noqa: BLE001  # whatever the code under test raises is the verdict
        problem = described(error)
    return Verdict(check, problem, time.perf_counter() - started)
