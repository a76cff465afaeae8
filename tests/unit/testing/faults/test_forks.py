"""Which of the events fail, and the caches of a trial."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from simquay.engines.reference import ReferenceEngine
from simquay.simulators.engine.backend import EngineBackend
from simquay.testing.faults import forks
from simquay.testing.faults.injection import Fault
from simquay.testing.faults.trial import Script


def numbers(count: int, most: int, seed: int = 0) -> list[int]:
    faults = forks._chosen("open", False, count, most, seed)
    assert [one.lasting for one in faults] == [False, True] * (len(faults) // 2)
    return [one.number for one in faults[::2]]


def test_all_of_few_events_fail() -> None:
    assert numbers(0, 4) == []
    assert numbers(4, 4) == [1, 2, 3, 4]


def test_of_many_events_the_first_and_some_others_fail() -> None:
    chosen = numbers(1000, 8)
    assert chosen[:4] == [1, 2, 3, 4]
    assert len(set(chosen)) == 8
    assert chosen == sorted(chosen)
    assert chosen == numbers(1000, 8)
    assert chosen != numbers(1000, 8, seed=1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot fork here")
def test_a_cold_trial_has_an_empty_cache(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    for name in ("cache/numba", "tmp"):
        (tmp_path / name).mkdir(parents=True)

    class Caching(EngineBackend):
        """Keeps a file in its cache, and opens it by itself."""

        def run(self, run_input=None, **options):
            file = cache / "numba/kernel"
            if file.exists():
                file.read_bytes()
            else:
                file.write_bytes(b"1")
            return super().run(run_input, **options)

    trials = forks._Trials(
        lambda: Caching(ReferenceEngine(), name="caching"), tmp_path, Script(30.0, 2)
    )
    trials.prepare()
    assert trials.caches
    for cold in (True, False, True):
        seen = trials.run(Fault("write", 1, cold=cold))
        assert seen.state == ("raised" if cold else "DONE")
        assert not any((tmp_path / "tmp").iterdir())
