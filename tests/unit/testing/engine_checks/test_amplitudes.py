"""Each check of states fails on an engine that is wrong in what it checks."""

from __future__ import annotations

import pytest

from tests.support.broken_engines import MUTANTS, failed_checks


@pytest.mark.parametrize("wrong", [name for name, (check, _) in MUTANTS.items() if check < "E14"])
def test_a_broken_engine_fails_the_check_that_says_so(wrong: str) -> None:
    check, engine = MUTANTS[wrong]
    assert failed_checks(engine(), check)
