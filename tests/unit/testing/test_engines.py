"""The kit for engines."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from simquay.engine_api import DenseEngine, Engine, ReferenceEngine, run_side_by_side
from simquay.execution.memory import ledger_for
from simquay.testing import CheckFailed, engines
from tests.support.paths import DOCS


@pytest.mark.parametrize("engine", [ReferenceEngine(), DenseEngine()], ids=lambda one: one.name)
def test_gates_may_follow_gates(engine: Engine) -> None:
    rng = np.random.default_rng(6)
    first = engines.random_gates(5, 20, rng)
    second = engines.random_gates(5, 20, rng, prepare=False)
    state = engines.evolve(engine, first, 5)
    engines.apply_gates(engine, state, second)
    expected = engines.evolve(ReferenceEngine(), [*first, *second], 5)
    np.testing.assert_allclose(
        engine.amplitudes(state), ReferenceEngine().amplitudes(expected), atol=1e-12
    )


@pytest.mark.parametrize("engine", [ReferenceEngine(), DenseEngine()], ids=lambda one: one.name)
def test_simquays_engines_pass(engine: Engine) -> None:
    assert str(engines.check_engine(engine)) == "23 of 23"


def test_the_checks_are_numbered_and_documented() -> None:
    ids = [check.id for check in engines.ENGINE_CHECKS]
    assert ids == [f"E{number:02}" for number in range(1, 24)]
    page = (DOCS / "reference" / "testing.md").read_text("utf-8")
    for check in engines.ENGINE_CHECKS:
        assert f"| {check.id} | {check.title} |" in page


def test_a_failure_says_what_is_wrong_and_how_many_passed() -> None:
    class Nameless(ReferenceEngine):
        name = ""

    with pytest.raises(CheckFailed, match=r"passes 1 of 2 checks\nE01 .*its name is ''"):
        engines.check_engine(Nameless(), engines.ENGINE_CHECKS[:2])


def test_a_thread_budget_holds_in_its_block() -> None:
    for budget in (1, 3):
        users: set[int] = set()
        together = threading.Barrier(budget)

        def work(users: set[int] = users, together: threading.Barrier = together) -> None:
            users.add(threading.get_ident())
            together.wait(60)

        with engines.thread_budget(budget):
            run_side_by_side([work] * (2 * budget))
        assert len(users) == budget


def test_new_ledgers_end_with_their_block() -> None:
    engine = DenseEngine()
    usual = ledger_for(engine)
    with engines.new_memory_ledgers():
        new = ledger_for(engine)
        assert new is not usual
        assert ledger_for(engine) is new
    assert ledger_for(engine) is usual
