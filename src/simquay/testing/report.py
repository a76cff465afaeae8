"""All checks without pytest, as `simquay check` does them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from simquay.testing.checks.catalogue import CHECKS_IN_ORDER
from simquay.testing.checks.check import Check
from simquay.testing.harness.bench import Bench, perform

__all__ = ["Verdict", "run_checks"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a check came out.

    Attributes:
        check: which one.
        problem: what is wrong, in words; empty where the backend keeps it.
        seconds: how long it took.
    """

    check: Check
    problem: str
    seconds: float

    @property
    def kept(self) -> bool:
        """Whether the backend passed."""
        return not self.problem


def run_checks(
    make_backend: Callable[[], Any],
    *,
    name: str | None = None,
    factory: str | None = None,
    checks: Iterable[Check] = CHECKS_IN_ORDER,
) -> Iterator[Verdict]:
    """Do the checks one after another; yields each verdict as it is known.

    Args:
        make_backend: called for every check.
        name: how a child process gets the backend from ``simquay.get_backend``; by default the
            backend's own name.
        factory: how a child process makes it instead: ``module:callable``, without arguments.
        checks: which checks; all of them by default.
    """
    for check in checks:
        started = time.perf_counter()
        problem = ""
        try:
            perform(check, Bench(make_backend(), name=name, factory=factory))
        except Exception as error:  # noqa: BLE001  # whatever a backend raises is the verdict
            text = str(error) or type(error).__name__
            problem = (
                text if isinstance(error, AssertionError) else f"{type(error).__name__}: {text}"
            )
        yield Verdict(check, problem, time.perf_counter() - started)
