"""Run checks on a backend: one that must pass, or many with a verdict each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from simquay.testing.checks import (
    backend,
    ending,
    identity,
    keeping,
    primitives,
    results,
    states,
    values,
    work,
)
from simquay.testing.checks.check import Check, Verdict, checks_of, verdict_of
from simquay.testing.harness.assertions import CHECK_LIMIT, CheckFailed, call_with_timeout
from simquay.testing.harness.context import CheckContext

__all__ = ["CHECKS_IN_ORDER", "run_check", "run_checks"]

CHECKS_IN_ORDER: tuple[Check[CheckContext], ...] = checks_of(
    backend, ending, identity, keeping, primitives, results, states, values, work
)
"""The 43 points of the job contract, then the checks of the backend, of results and of values."""

_ATTEMPTS = 3


def run_check(
    check: Check[CheckContext], context: CheckContext, limit: float = CHECK_LIMIT
) -> None:
    """Run one check, in a thread of its own, so that a backend that hangs cannot stop the caller.

    The check is repeated, at most twice, where a job was so much quicker than planned that the
    calibration must have been measured while the machine was busy.

    Args:
        check: which one.
        context: of the backend; its jobs are cancelled after each attempt.
        limit: seconds.

    Raises:
        CheckFailed: if the backend fails it, or takes longer than ``limit``.
    """

    def attempt_until_calibrated() -> None:
        for attempt in range(_ATTEMPTS):
            error: CheckFailed | None = None
            try:
                check.function(context)
            except CheckFailed as failure:
                error = failure
            finally:
                context.cancel_jobs()
            # A check that passed is repeated only for a large difference.
            least = 3.0 if error is None else 1.3
            if attempt + 1 == _ATTEMPTS or not context.recalibrate(least):
                break
        if error is not None:
            raise error

    call_with_timeout(attempt_until_calibrated, limit, f"check {check.id}")


def run_checks(
    make_backend: Callable[[], Any],
    *,
    name: str | None = None,
    factory: str | None = None,
    checks: Iterable[Check[CheckContext]] = CHECKS_IN_ORDER,
) -> Iterator[Verdict]:
    """Run checks one after another, as ``simquay check`` does; yields each verdict when known.

    Args:
        make_backend: called for every check.
        name: passed to ``simquay.get_backend`` in a child process; by default the backend's own
            name.
        factory: makes the backend in a child process instead: ``module:callable``, called without
            arguments.
        checks: which checks; all of them by default.
    """
    for check in checks:

        def run(check: Check[CheckContext] = check) -> None:
            run_check(check, CheckContext(make_backend(), name=name, factory=factory))

        yield verdict_of(check, run)
