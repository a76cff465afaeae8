"""The catalogue has every check, in order."""

from __future__ import annotations

import pkgutil
from itertools import groupby

from simquay.testing import checks as package
from simquay.testing.checks.catalogue import CHECKS_IN_ORDER


def test_forty_points_then_the_backend_results_and_values() -> None:
    ids = [check.id for check in CHECKS_IN_ORDER]
    assert ids[:40] == [f"J{number:02}" for number in range(1, 41)]
    kinds = [(kind, list(group)) for kind, group in groupby(ids[40:], lambda one: one[0])]
    assert [kind for kind, _ in kinds] == ["B", "R", "V"]
    for kind, group in kinds:
        assert group == [f"{kind}{number:02}" for number in range(1, len(group) + 1)]


def test_every_module_of_checks_is_in_it() -> None:
    names = {f"{package.__name__}.{one.name}" for one in pkgutil.iter_modules(package.__path__)}
    apart = {f"{package.__name__}.{name}" for name in ("check", "catalogue")}
    assert {check.function.__module__ for check in CHECKS_IN_ORDER} == names - apart
