"""The kit for engines: does an engine do what :class:`~simquay.engine_api.BaseEngine` says?

Each check compares an engine with :class:`~simquay.engine_api.ReferenceEngine`, which runs in
double precision, on random gates of fixed seeds. The tolerances are :data:`TOLERANCE`. In an
engine's tests::

    def test_the_engine():
        assert str(check_engine(MyEngine())) == "23 of 23"

or one test a check, by ``pytest.mark.parametrize("check", ENGINE_CHECKS, ids=str)`` and
``check_engine(MyEngine(), [check])``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from unittest import mock

from simquay.engines import threads
from simquay.engines.base import Engine
from simquay.execution import memory
from simquay.testing.checks.check import Check, Verdict, checks_of, verdict_of
from simquay.testing.engine_checks import amplitudes, runs
from simquay.testing.engine_checks.gates import (
    TOLERANCE,
    apply_gates,
    evolve,
    other_numbers,
    random_gates,
    random_unitary,
)
from simquay.testing.harness.assertions import CHECK_LIMIT, CheckFailed, call_with_timeout

__all__ = [
    "ENGINE_CHECKS",
    "TOLERANCE",
    "EngineReport",
    "apply_gates",
    "check_engine",
    "evolve",
    "new_memory_ledgers",
    "other_numbers",
    "random_gates",
    "random_unitary",
    "run_engine_checks",
    "thread_budget",
]

ENGINE_CHECKS: tuple[Check[Engine], ...] = checks_of(amplitudes, runs)
"""The checks of an engine, in order."""


class EngineReport(tuple[Verdict, ...]):
    """The verdicts on an engine; as text, how many checks passed of how many: ``23 of 23``."""

    __slots__ = ()

    def __str__(self) -> str:
        return f"{sum(verdict.kept for verdict in self)} of {len(self)}"


def run_engine_checks(
    engine: Engine, checks: Iterable[Check[Engine]] = ENGINE_CHECKS
) -> Iterator[Verdict]:
    """Run checks one after another; yields each verdict when known."""
    for check in checks:
        call = partial(check.function, engine)
        yield verdict_of(check, partial(call_with_timeout, call, CHECK_LIMIT, f"check {check.id}"))


def check_engine(engine: Engine, checks: Iterable[Check[Engine]] = ENGINE_CHECKS) -> EngineReport:
    """Run checks on an engine.

    Raises:
        CheckFailed: if it fails some of them; the text names each, and what is wrong.
    """
    report = EngineReport(run_engine_checks(engine, checks))
    broken = [f"{one.check.id} {one.check.title}: {one.problem}" for one in report if not one.kept]
    if broken:
        raise CheckFailed("\n".join([f"the engine {engine.name} passes {report} checks", *broken]))
    return report


@contextmanager
def thread_budget(budget: int) -> Iterator[None]:
    """Within it, ``budget`` threads of CPU engines may work at once, all runs together."""
    with mock.patch.object(threads, "_pool", threads.HelperPool(budget)):
        yield


@contextmanager
def new_memory_ledgers() -> Iterator[None]:
    """Within it, no run has reserved memory on any device, and the first engine of a device to run
    says what is free there."""
    with mock.patch.dict(memory._ledgers, clear=True):
        yield
