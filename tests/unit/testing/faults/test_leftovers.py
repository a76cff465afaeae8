"""What a process holds is counted by kind, without the numbers in names."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
from pathlib import Path

import pytest

from simquay.execution.memory import host_ledger
from simquay.testing.faults.leftovers import RESOURCES, census, more_than, most_of


def test_each_resource_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = census()
    assert set(before) == set(RESOURCES)
    go = threading.Event()
    threads = [threading.Thread(target=go.wait, name=f"helper-{k}") for k in range(12)]
    for thread in threads:
        thread.start()
    reservation = host_ledger().try_reserve(1234)
    assert reservation is not None
    (tmp_path / "a7").mkdir()
    (tmp_path / "a7/b12.txt").touch()
    child = subprocess.Popen(["sleep", "600"])
    with open(tmp_path / "a7/b12.txt"):
        more = more_than(before, census())
    (opened,) = more.pop("descriptors").items()
    assert opened[0].endswith("/aN/bN.txt")
    assert opened[1] == 1
    assert more == {
        "threads": {"helper-N": 12},
        "processes": {"sleep": 1},
        "memory": {"cpu": 1234},
        "files": {"aN": 1, "aN/bN.txt": 1},
    }
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert more_than(before, census())["processes"] == {"ended, not waited for": 1}
    child.wait()
    go.set()
    for thread in threads:
        thread.join()
    reservation.release()
    (tmp_path / "a7/b12.txt").unlink()
    (tmp_path / "a7").rmdir()
    assert more_than(before, census()) == {name: {} for name in RESOURCES}


def test_the_most_of_some_censuses() -> None:
    empty: dict[str, dict[str, int]] = {name: {} for name in RESOURCES}
    one, two = {**empty, "threads": {"a": 1, "b": 2}}, {**empty, "threads": {"b": 1, "c": 3}}
    most = most_of(one, two)
    assert most["threads"] == {"a": 1, "b": 2, "c": 3}
    assert more_than(most, one) == empty
    assert more_than(one, two)["threads"] == {"c": 3}
