"""Budgets of threads and memory that hold inside a block, and not behind it."""

from __future__ import annotations

import threading

from simquay.engine_api import DenseEngine, run_side_by_side
from simquay.execution.memory import ledger_for
from simquay.testing.harness.budgets import new_memory_ledgers, thread_budget


def test_a_thread_budget_holds_in_its_block() -> None:
    for budget in (1, 3):
        users: set[int] = set()
        together = threading.Barrier(budget)

        def work(users: set[int] = users, together: threading.Barrier = together) -> None:
            users.add(threading.get_ident())
            together.wait(60)

        with thread_budget(budget):
            run_side_by_side([work] * (2 * budget))
        assert len(users) == budget


def test_new_ledgers_end_with_their_block() -> None:
    engine = DenseEngine()
    usual = ledger_for(engine)
    with new_memory_ledgers():
        new = ledger_for(engine)
        assert new is not usual
        assert ledger_for(engine) is new
    assert ledger_for(engine) is usual
