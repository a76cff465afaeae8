"""Checks are run with a time limit, repeated where the calibration was wrong, and judged."""

from __future__ import annotations

import pkgutil
import threading
from collections.abc import Callable, Iterator
from itertools import groupby

import pytest

from simquay.testing import CHECKS_IN_ORDER, Check, CheckContext, CheckFailed, run_check, run_checks
from simquay.testing import checks as package


class Context(CheckContext):
    """No backend: counts the attempts."""

    def __init__(self, corrected: tuple[bool, ...] = ()) -> None:
        self.attempts = 0
        self.asked: list[float] = []
        self._corrected = iter(corrected)

    def recalibrate(self, least: float) -> bool:
        self.asked.append(least)
        return next(self._corrected, False)

    def cancel_jobs(self) -> None:
        self.attempts += 1


def a_check(function: Callable[[CheckContext], None]) -> Check:
    return Check("X01", "example", "An example", function)


def passing(context: CheckContext) -> None:
    """Every backend passes."""


def failing(context: CheckContext) -> None:
    raise CheckFailed("wrong")


def raising(context: CheckContext) -> None:
    raise ValueError("a defect")


@pytest.fixture
def hanging() -> Iterator[Callable[[CheckContext], None]]:
    """A check that hangs until the end of the test."""
    end = threading.Event()
    yield lambda context: (end.wait(), None)[1]
    end.set()


def test_jobs_are_cancelled_however_the_check_ends() -> None:
    context = Context()
    run_check(a_check(passing), context)
    for function, error in ((failing, CheckFailed), (raising, ValueError)):
        with pytest.raises(error):
            run_check(a_check(function), context)
    assert context.attempts == 3


def test_a_check_that_hangs_fails(hanging: Callable[[CheckContext], None]) -> None:
    with pytest.raises(CheckFailed, match=r"^check X01 did not return within 0.05 s$"):
        run_check(a_check(hanging), Context(), limit=0.05)


def test_it_is_repeated_twice_at_most_while_the_calibration_was_wrong() -> None:
    context = Context((True, True, True, True))
    with pytest.raises(CheckFailed):
        run_check(a_check(failing), context)
    assert context.attempts == 3
    context = Context((True, False))
    run_check(a_check(passing), context)
    assert context.attempts == 2


def test_a_failure_is_repeated_for_a_smaller_difference() -> None:
    context = Context()
    run_check(a_check(passing), context)
    with pytest.raises(CheckFailed):
        run_check(a_check(failing), context)
    assert context.asked == [3.0, 1.3]


class Nothing:
    """Enough of a backend for checks that run nothing on it."""

    name = "nothing"


def test_verdicts() -> None:
    checks = [a_check(one) for one in (passing, failing, raising)]
    verdicts = run_checks(Nothing, checks=checks)
    first = next(verdicts)
    assert (first.check, first.kept, first.problem) == (checks[0], True, "")
    assert [(one.kept, one.problem) for one in verdicts] == [
        (False, "wrong"),
        (False, "ValueError: a defect"),
    ]


def test_a_backend_that_cannot_be_made_is_a_verdict() -> None:
    def make() -> Nothing:
        raise OSError

    (verdict,) = run_checks(make, checks=[a_check(passing)])
    assert verdict.problem == "OSError: OSError"


def test_the_points_then_the_backend_results_and_values() -> None:
    ids = [check.id for check in CHECKS_IN_ORDER]
    kinds = [(kind, list(group)) for kind, group in groupby(ids, lambda one: one[0])]
    assert [kind for kind, _ in kinds] == ["J", "B", "R", "V"]
    assert kinds[0][1][-1] == "J43"
    for kind, group in kinds:
        assert group == [f"{kind}{number:02}" for number in range(1, len(group) + 1)]


def test_every_module_of_checks_is_in_it() -> None:
    names = {f"{package.__name__}.{one.name}" for one in pkgutil.iter_modules(package.__path__)}
    assert {check.function.__module__ for check in CHECKS_IN_ORDER} == names - {
        f"{package.__name__}.check"
    }
