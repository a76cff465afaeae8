"""Executors that tests of several folders share: starting processes takes seconds."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.adapted_runs import circuit
from tests.support.executor_doubles import spawning_pool
from tests.support.foreign_backends import HeldJob
from tests.support.job_doubles import LONG
from tests.support.task_circuits import data, run


@pytest.fixture(scope="session")
def threads() -> Iterator[ThreadPoolExecutor]:
    """Three threads."""
    with ThreadPoolExecutor(3) as executor:
        yield executor


@pytest.fixture(scope="session")
def processes() -> Iterator[ProcessPoolExecutor]:
    """Two processes."""
    with spawning_pool(2) as executor:
        yield executor


@pytest.fixture(scope="session")
def expected() -> list[tuple[Any, ...]]:
    """What a run that is not split gives."""
    return data(run().result(LONG))


@pytest.fixture
def held() -> Iterator[HeldJob]:
    """A foreign job that ends when the test says so, and at the test's end."""
    job = HeldJob([circuit()])
    yield job
    job.over.set()
